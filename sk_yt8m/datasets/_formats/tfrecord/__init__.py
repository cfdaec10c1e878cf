"""Records of TFRecord files: the container, the messages in it, and their rows."""
