"""A photo drawn again with its face changed, in full resolution, with background and hair.

Enter: the photo, the face's mesh as the photo shows it and as it is to be. Leaves: the photo with that face. The
photo's own pixels move along with the mesh (`motion`); the baked texture fills what the photo does not show; light and
albedo change by ratios (`ratios`), so that the detail of the skin stays. The background of a head that turns is a layer
of its own (`head_layer`).
"""
