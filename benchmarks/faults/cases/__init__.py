"""The cases: a folder a category, a file a topic, a function a case."""
