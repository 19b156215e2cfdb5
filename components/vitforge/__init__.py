"""vitforge: from an image data set to a Vision Transformer that is proved and watched over."""

__version__ = "0.1.0"
