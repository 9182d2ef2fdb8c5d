"""How a request's JSON is read."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """JSON; what is valid and yet unreadable (brackets without end, numbers of thousands of digits) is refused too."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError:
            raise ParseError("The JSON is nested too deep.") from None
        except ParseError as error:
            if "set_int_max_str_digits" in str(error):
                raise ParseError("A number in the JSON has too many digits.") from None
            raise
