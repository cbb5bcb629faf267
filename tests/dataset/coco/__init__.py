"""The format COCO."""
