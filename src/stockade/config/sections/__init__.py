"""The policy file's section of each control: its model, and how it becomes the control. One file per control."""

from stockade.config.sections.authentication import AuthenticationSection
from stockade.config.sections.authorization import AuthorizationSection
from stockade.config.sections.exposure import ExposureSection
from stockade.config.sections.firewall import FirewallSection
from stockade.config.sections.graphql import GraphQLSection
from stockade.config.sections.grpc import GrpcSection
from stockade.config.sections.leaks import LeaksSection
from stockade.config.sections.limits import LimitItem
from stockade.config.sections.messages import MessagesSection
from stockade.config.sections.openapi import OpenapiSection
from stockade.config.sections.ownership import OwnershipItem
from stockade.config.sections.schema import SchemaSection
from stockade.config.sections.waf import WafSection

__all__ = [
    "AuthenticationSection",
    "AuthorizationSection",
    "ExposureSection",
    "FirewallSection",
    "GraphQLSection",
    "GrpcSection",
    "LeaksSection",
    "LimitItem",
    "MessagesSection",
    "OpenapiSection",
    "OwnershipItem",
    "SchemaSection",
    "WafSection",
]
