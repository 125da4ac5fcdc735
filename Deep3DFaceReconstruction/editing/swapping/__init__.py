"""The face of one photo in another.

Enter: the source's photo and its Look; the target's photo, bent to the source's shape, and the Look it is to have.
Leaves: the photo with that face. On the way (`swap.swapped`): source -> albedo without the photo's light (`albedo`) ->
lit as the target -> colours of the target's skin -> blended in the gradient domain (`membrane`).
"""
