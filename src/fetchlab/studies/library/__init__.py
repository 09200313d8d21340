"""A media library: walk its folders, parse names, look titles up, plan a better layout."""
