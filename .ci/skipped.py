"""Print what a run of pytest skipped, a test or a whole file a line, from its JUnit report."""

import sys
import xml.etree.ElementTree as ET

for case in ET.parse(sys.argv[1]).iter("testcase"):
    if case.find("skipped") is not None:
        module, name = case.get("classname"), case.get("name")
        print(f"{module.replace('.', '/')}.py::{name}" if module else f"{name.replace('.', '/')}.py")
