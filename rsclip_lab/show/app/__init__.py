"""One web page with all panels, served by Voilà: `rsclip-lab app`."""
