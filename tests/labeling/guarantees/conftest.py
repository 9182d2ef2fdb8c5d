"""One comparison of tea, served to ann, and her judgment."""

import pytest

from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment


@pytest.fixture
def ann(annotator):
    return annotator("ann")


@pytest.fixture
def comparison(compare):
    return compare("How do I brew tea?", "Boil it.", "Steep it.", overlap=2)


@pytest.fixture
def assignment(ann, project, comparison):
    return serve_next(person=ann, project=project)


@pytest.fixture
def judgment(ann, assignment):
    return submit_judgment(person=ann, assignment_id=assignment.pk, key="k", ranks=[1, 2]).judgment
