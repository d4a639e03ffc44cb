"""What picture files are made of: signatures, limits before decoding, TIFF headers, bands and their stretch."""
