"""The tools scenes are drawn with: canvas, textures, colours, ground, plants, buildings, the camera."""
