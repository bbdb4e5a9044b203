"""Everything that calls MLflow. Imported by the uploader only, as importing MLflow takes seconds."""
