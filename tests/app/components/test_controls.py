"""Controls shared by several tabs."""

import gradio as gr
import pytest

from app.components.controls import dropdown, heading, layer_choice
from app.components.glossary import help_with


def test_layer_choices_name_stage_and_fused_map() -> None:
    assert layer_choice("fused") == ("Last feature map (default)", "fused")
    assert layer_choice("Y3") == ("Y3: fused map (baseline: X3)", "Y3")
    assert layer_choice("X2") == ("X2: stage", "X2")


def test_heading_has_help_only_when_given() -> None:
    assert "<h3>Region</h3>" in heading("Region")
    assert "<details" not in heading("Region")
    assert help_with("faithfulness") in heading("Faithfulness", "faithfulness")


def test_custom_dropdown_accepts_unknown_value_and_plain_one_rejects_it() -> None:
    with gr.Blocks():
        control = dropdown("Layer", [("X1: stage", "X1")], "X1", "layer", custom=True)
        fixed = dropdown("Layer", [("X1: stage", "X1")], "X1", "layer-2")
    assert control.preprocess("Y9") == "Y9"
    assert fixed.preprocess("X1") == "X1"
    with pytest.raises(gr.Error, match="Y9"):
        fixed.preprocess("Y9")
