"""Files of a face for other programs: reconstructed meshes enter; pages, tables and meshes in other formats leave."""
