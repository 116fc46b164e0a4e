"""The table of directives: every one of the ModSecurity references, 2 and 3, what we make of it, and its arguments.

Three kinds. Those that the engine reads; those that change nothing here, accepted because every configuration in
the wild has them, with the reason; those that are refused, because leaving them out silently would change what is
protected or what the author relies on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from stockade.seclang.arguments import (
    ON_OFF,
    Shape,
    anything,
    map_file,
    mode,
    nothing,
    number,
    one_character,
    one_of,
    parts,
    some,
    text,
)

Kind = Literal["rule", "action", "marker", "default", "targets", "update", "remove", "include", "setting"]


class Form(Struct, frozen=True):
    """One directive. `refused` says why it cannot be honoured; `without_effect` why it may be ignored."""

    name: str
    shape: Shape = anything
    kind: Kind = "setting"
    refused: str = ""
    without_effect: str = ""
    harmless: str = ""  # the argument with which a refused one may stand, as it then asks for nothing


_LOG = "decisions go to Stockade's own log"
_DISK = "uploads are inspected in memory"
_V3 = "ModSecurity 3 does not have it either"
_HASH = "link signing is not a part of ModSecurity 3"

_STATEMENTS = (
    Form("Include", text("file name or pattern"), "include"),
    Form("IncludeOptional", text("file name or pattern"), "include"),
    Form("SecAction", kind="action"),
    Form("SecDefaultAction", kind="default"),
    Form("SecMarker", text("name"), "marker"),
    Form("SecRule", kind="rule"),
    Form("SecRuleRemoveById", some("ids and ranges of ids, as in 942100 942200-942299"), "remove"),
    Form("SecRuleRemoveByMsg", text("regular expression for messages")),
    Form("SecRuleRemoveByTag", text("regular expression for tags")),
    Form("SecRuleUpdateActionById", kind="update"),
    Form("SecRuleUpdateTargetById", kind="targets"),
    Form("SecRuleUpdateTargetByMsg", kind="targets"),
    Form("SecRuleUpdateTargetByTag", kind="targets"),
)

_SETTINGS = (
    Form("SecArgumentSeparator", one_character),
    Form("SecArgumentsLimit", number(1)),
    Form("SecAuditEngine", one_of("On", "Off", "RelevantOnly")),
    Form("SecAuditLogParts", parts),
    Form("SecAuditLogRelevantStatus", text("regular expression for statuses")),
    Form("SecCollectionTimeout", number(1)),
    Form("SecComponentSignature", text("name")),
    Form("SecGeoLookupDb", text("file name")),
    Form("SecParseXmlIntoArgs", one_of("On", "Off", "OnlyArgs")),
    Form("SecRequestBodyAccess", ON_OFF),
    Form("SecRequestBodyJsonDepthLimit", number(1)),
    Form("SecRequestBodyLimit", number()),
    Form("SecRequestBodyLimitAction", one_of("Reject", "ProcessPartial")),
    Form("SecRequestBodyNoFilesLimit", number()),
    Form("SecResponseBodyAccess", ON_OFF),
    Form("SecResponseBodyLimit", number()),
    Form("SecResponseBodyLimitAction", one_of("Reject", "ProcessPartial")),
    Form("SecResponseBodyMimeType", some("media types")),
    Form("SecResponseBodyMimeTypesClear", nothing),
    Form("SecRuleEngine", one_of("On", "Off", "DetectionOnly")),
    Form("SecUnicodeMapFile", map_file),
    Form("SecUploadFileLimit", number()),
    Form("SecWebAppId", text("name")),
)

_WITHOUT_EFFECT = (
    Form("SecAuditLog", text("file name"), without_effect=_LOG),
    Form("SecAuditLog2", text("file name"), without_effect=_LOG),
    Form("SecAuditLogDirMode", mode, without_effect=_LOG),
    Form("SecAuditLogFileMode", mode, without_effect=_LOG),
    Form("SecAuditLogFormat", one_of("JSON", "Native"), without_effect=_LOG),
    Form("SecAuditLogPrefix", text("prefix"), without_effect=_LOG),
    Form("SecAuditLogStorageDir", text("folder"), without_effect=_LOG),
    Form("SecAuditLogType", one_of("Serial", "Parallel", "Concurrent", "HTTPS"), without_effect=_LOG),
    Form("SecCollectionGCFrequency", number(), without_effect="collections are kept in Stockade's store"),
    Form("SecCookieFormat", number(0, 0), without_effect="cookies are read as RFC 6265 says"),
    Form("SecDataDir", text("folder"), without_effect="collections are kept in Stockade's store"),
    Form("SecDebugLog", text("file name"), without_effect=_LOG),
    Form("SecDebugLogLevel", number(0, 9), without_effect=_LOG),
    Form("SecPcreMatchLimit", number(), without_effect="patterns run in linear time or under a limit of their own"),
    Form("SecPcreMatchLimitRecursion", number(), without_effect="patterns run in linear time or under a limit"),
    Form("SecRequestBodyInMemoryLimit", number(), without_effect=_DISK),
    Form("SecSensorId", text("name"), without_effect=_LOG),
    Form("SecStatusEngine", ON_OFF, without_effect="Stockade reports its version to nobody"),
    Form("SecTmpDir", text("folder"), without_effect=_DISK),
    Form("SecTmpSaveUploadedFiles", ON_OFF, without_effect=_DISK),
    Form("SecUploadDir", text("folder"), without_effect=_DISK),
    Form("SecUploadFileMode", mode, without_effect=_DISK),
    Form("SecUploadKeepFiles", one_of("On", "Off", "RelevantOnly"), without_effect=_DISK),
)

_REFUSED = (
    Form("SecCacheTransformations", refused=_V3, harmless="Off"),
    Form("SecChrootDir", refused="Stockade is no web server that could be locked into a folder"),
    Form("SecConnEngine", refused="limit connections in the policy of Stockade", harmless="Off"),
    Form("SecConnReadStateLimit", refused="limit connections in the policy of Stockade"),
    Form("SecConnWriteStateLimit", refused="limit connections in the policy of Stockade"),
    Form("SecContentInjection", refused="Stockade does not write into responses", harmless="Off"),
    Form("SecCookieV0Separator", refused="cookies are read as RFC 6265 says, separated by ;"),
    Form("SecDisableBackendCompression", refused="Stockade decodes responses where rules read them", harmless="Off"),
    Form("SecGsbLookupDb", refused="Google Safe Browsing ended the service that it was for"),
    Form("SecGuardianLog", refused="Stockade runs no programs on behalf of rules"),
    Form("SecHashEngine", refused=_HASH, harmless="Off"),
    Form("SecHashKey", refused=_HASH),
    Form("SecHashMethodPm", refused=_HASH),
    Form("SecHashMethodRx", refused=_HASH),
    Form("SecHashParam", refused=_HASH),
    Form("SecHttpBlKey", refused="Stockade asks no outside service about a request (@rbl)"),
    Form("SecInterceptOnError", refused="what fails, fails closed; the policy's `failure` decides", harmless="Off"),
    *(
        Form(
            f"SecPdfProtect{part}",
            refused="the flaw of PDF readers that it was for is long mended",
            harmless="" if part else "Off",
        )
        for part in ("", "Method", "Secret", "Timeout", "TokenName")
    ),
    Form("SecReadStateLimit", refused="limit connections in the policy of Stockade"),
    Form("SecRemoteRules", refused="rules are read from files only, never from the network; download and check them"),
    Form("SecRemoteRulesFailAction", refused="rules are read from files only, never from the network"),
    Form("SecRemoteTimeout", refused="rules are read from files only, never from the network"),
    Form("SecRequestEncoding", refused=_V3),
    Form("SecRuleInheritance", refused="one set of rules has no contexts that could inherit", harmless="Off"),
    Form("SecRulePerfTime", refused="measure with benchmarks/waf.py instead"),
    Form("SecRuleScript", refused="Stockade runs no scripts on behalf of rules"),
    Form("SecServerSignature", refused="let the policy of Stockade set the response's headers"),
    Form("SecStreamInBodyInspection", refused=_V3, harmless="Off"),
    Form("SecStreamOutBodyInspection", refused=_V3, harmless="Off"),
    Form("SecUnicodeCodePage", refused="the code page is the second argument of SecUnicodeMapFile"),
    Form("SecWriteStateLimit", refused="limit connections in the policy of Stockade"),
    Form("SecXmlExternalEntity", refused="external entities are never read, at no one's wish", harmless="Off"),
)

DIRECTIVES: Mapping[str, Form] = {
    form.name.lower(): form for form in (*_STATEMENTS, *_SETTINGS, *_WITHOUT_EFFECT, *_REFUSED)
}
"""By name in lower case."""

DIRECTIVE_NAMES = tuple(form.name for form in DIRECTIVES.values())
"""As people write them, for hints."""
