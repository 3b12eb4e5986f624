"""Losses by name, weight and option, and how they are kept blind to ignored pixels."""

from maskwright.losses.build import LOSSES as LOSSES
from maskwright.losses.build import Kind as Kind
from maskwright.losses.build import build_loss as build_loss
from maskwright.losses.build import parse_loss as parse_loss
from maskwright.losses.build import with_presence as with_presence
from maskwright.losses.grammar import Option as Option
from maskwright.losses.grammar import Term as Term
from maskwright.losses.types import Loss as Loss
from maskwright.losses.types import Output as Output
