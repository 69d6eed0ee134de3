"""Variables of a project, which SQL names as {{name}}."""
