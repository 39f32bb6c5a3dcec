"""HTML from the Jinja2 templates in app/templates, autoescaped."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["render"]

_ENVIRONMENT = Environment(
    loader=PackageLoader("app"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
# gr.HTML evaluates ${...} and {{...}} in its templates: text from files must never be taken for such an expression.
_TEMPLATE_SIGNS = {ord(sign): f"&#{ord(sign)};" for sign in "$`{}"}
_BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")  # where a line must not break


def render(name: str, /, **values: object) -> Markup:
    """Renders a template to HTML that may be nested in other templates; a number stays on one line with its % sign.

    Args:
        name: path of the template below app/templates.
        values: strings are escaped, Markup is not. Lone surrogates, which cannot be sent, become question marks.
    """
    html = _BEFORE_PERCENT.sub("\N{NO-BREAK SPACE}", _ENVIRONMENT.get_template(name).render(values))
    return Markup(html.encode(errors="replace").decode().translate(_TEMPLATE_SIGNS))
