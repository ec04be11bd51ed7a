"""The explorer: a page in the browser that steers a generator, its server, and the class behind both."""
