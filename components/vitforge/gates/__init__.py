"""Whether a model may challenge the champion."""
