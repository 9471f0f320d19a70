"""A federation led by Flower whose clients run gradloom."""
