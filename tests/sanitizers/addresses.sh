#!/bin/sh
# The whole suite under AddressSanitizer and UndefinedBehaviorSanitizer: a campaign of ./dev soak.
exec "$(dirname "$0")/suite.py" sanitize
