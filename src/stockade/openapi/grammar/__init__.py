"""What may stand where in a description: the objects of each version of the specification, as data.

`shapes` are the kinds of value, `schemas` the Schema Object of all versions, `version2` and `version3` the rest.
"""
