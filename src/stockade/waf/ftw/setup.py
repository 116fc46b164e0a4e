"""How an engine is set up for tests: it looks at everything and lets everything pass.

CRS's tests assume every paranoia level and low limits; the names are those of its crs-setup.conf, old and new.
"""

from __future__ import annotations

ENGINE = r"""
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application/(?:[a-z0-9.-]+\+)?|text/)xml" \
    "id:7199000,phase:1,pass,nolog,t:none,t:lowercase,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+\+)?json" \
    "id:7199001,phase:1,pass,nolog,t:none,t:lowercase,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" \
    "id:7199002,phase:2,deny,status:400,log,t:none,msg:'The body cannot be read',logdata:'%{REQBODY_ERROR_MSG}'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" \
    "id:7199003,phase:2,deny,status:400,log,t:none,msg:'The multipart body can be read in two ways'"
"""
"""Stands before the rules, and before the rules' own setup. ModSecurity's users have the like in modsecurity.conf, with
other ids."""

BLOCKING = frozenset({7199002, 7199003, 7100002, 7100003, 949110, 949111, 959100, 959101})
"""Rules that would refuse the request, were the engine not only to detect."""


def tuning(paranoia: int) -> str:
    """Stands between the rules' own setup and the rules."""
    levels = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")
    limits = {
        "crs_validate_utf8_encoding": 1,
        "arg_name_length": 100,
        "arg_length": 400,
        "total_arg_length": 64000,
        "max_num_args": 255,
        "max_file_size": 64100,
        "combined_file_sizes": 65535,
        "crs_xml_attr_inspect": 1,
    }
    values = dict.fromkeys(levels, paranoia) | limits
    setvars = ",".join(f"setvar:tx.{name}={value}" for name, value in values.items())
    return f"""
SecAction "id:7199005,phase:1,pass,nolog,t:none,ctl:ruleRemoveById=910000,{setvars}"
SecRule &TX:crs_setup_version "@eq 0" "id:7199006,phase:1,pass,nolog,t:none,setvar:tx.crs_setup_version=400"
"""
