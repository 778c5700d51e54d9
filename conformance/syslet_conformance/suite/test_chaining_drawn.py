"""Area chaining: chains drawn at random do what the requirements say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from syslet_conformance.calls import Hang
from syslet_conformance.performed import program_text
from syslet_conformance.program import Address
from syslet_conformance.registry import checks
from syslet_conformance.rig import Rig
from syslet_conformance.suite.drawn_chains import Chain, build_chain, chains, walk

EXAMPLES, LEAST = 40, 8
"""How many chains are drawn on all ABIs of the run in one mode, and on each of them at least."""


@checks(
    "chain.next",
    "chain.null-ends",
    "chain.any-graph",
    "chain.stop-any-of",
    "chain.stop-ends",
    "skip.stride",
    "skip.ignores-next",
    "skip.no-stop-follows-next",
    "skip.needs-stop-flag",
    "skip.target-is-ordinary",
)
@pytest.mark.both_modes
def test_a_chain_drawn_at_random_does_what_the_requirements_say(rig: Rig) -> None:
    hung: list[Hang] = []

    @seed(rig.seed)
    @settings(
        max_examples=rig.share(EXAMPLES, LEAST),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(chains(rig.abi))
    def does_what_it_should(chain: Chain) -> None:
        if hung:
            raise hung[0]
        try:
            _assert_walks(rig, chain)
        except Hang as hang:
            hung.append(hang)
            raise

    does_what_it_should()


def _assert_walks(rig: Rig, chain: Chain) -> None:
    """The engine leaves what `walk` leaves, and ends where it ends."""
    walked = walk(rig.abi, chain)
    rig.close()
    session, ran = rig.run(build_chain(chain), Address("atom_0"))
    expected = {f"v{i}": word for i, word in enumerate(walked.values)}
    expected |= {f"result_{i}": word for i, word in enumerate(walked.results)}
    got = dict(zip(expected, session.values(*expected), strict=True))
    wrong = {name: (want, got[name]) for name, want in expected.items() if want != got[name]}
    assert not wrong, (
        f"(expected, got): {wrong}, from the atoms {walked.path} of\n{program_text(session)}"
    )
    rig.assert_ended_at(session, ran, Address(f"atom_{walked.path[-1]}"))
