"""The upload queue in `.pretrace/tracking/`: records that stages write, and the uploader that sends them to MLflow."""
