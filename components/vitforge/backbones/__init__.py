"""ViT-family models of timm and transformers behind one small interface."""
