"""FetchXML, and the views that hold it."""
