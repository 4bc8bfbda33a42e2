#!/bin/sh
# The whole suite under ThreadSanitizer: a campaign of ./dev soak.
exec "$(dirname "$0")/suite.py" thread
