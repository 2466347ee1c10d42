"""The rule of the comparison: both outcomes, ties, and what is out."""

import dataclasses
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.compare.model import OBJECT, VOLUME  # noqa: E402
from bench.compare.verdict import NEITHER, TIE, UNKNOWN, Half, Met, decide  # noqa: E402


def met(median, limit=10, least=None, most=None, operation="a write"):
    return Met(operation, limit, median, least or median, most or median)


def half(side, *needs, cost=None, excluded=None):
    return Half(side, needs, cost, excluded)


class Verdicts(unittest.TestCase):
    def test_a_half_that_misses_its_need_loses_whatever_it_costs(self):
        made = decide(half(OBJECT, met(50), cost=1), half(VOLUME, met(5), cost=1000))
        self.assertEqual(made.winner, VOLUME)
        self.assertTrue(made.agrees(VOLUME))
        self.assertFalse(made.agrees(OBJECT))
        self.assertEqual(decide(half(OBJECT, met(5), cost=9), half(VOLUME, met(50), cost=1)).winner, OBJECT)

    def test_one_need_missed_is_enough(self):
        made = decide(half(OBJECT, met(1), met(11), cost=1), half(VOLUME, met(5), met(5), cost=2))
        self.assertEqual(made.winner, VOLUME)

    def test_exactly_the_need_is_met(self):
        self.assertEqual(decide(half(OBJECT, met(10), cost=1), half(VOLUME, met(11), cost=1)).winner, OBJECT)

    def test_if_both_meet_it_the_cheaper_wins_either_way(self):
        self.assertEqual(decide(half(OBJECT, met(9), cost=1), half(VOLUME, met(1), cost=2)).winner, OBJECT)
        self.assertEqual(decide(half(OBJECT, met(1), cost=2), half(VOLUME, met(9), cost=1)).winner, VOLUME)

    def test_at_equal_cost_the_faster_wins(self):
        made = decide(half(OBJECT, met(9), cost=100), half(VOLUME, met(1), cost=105))
        self.assertEqual(made.winner, VOLUME)

    def test_at_equal_cost_and_within_the_noise_it_is_a_tie(self):
        made = decide(half(OBJECT, met(5, least=4, most=7), cost=100),
                      half(VOLUME, met(6, least=5, most=9), cost=105))
        self.assertEqual(made.winner, TIE)
        self.assertFalse(made.agrees(OBJECT))

    def test_ranges_are_held_against_the_need_they_belong_to(self):
        made = decide(half(OBJECT, met(90, limit=100), cost=1), half(VOLUME, met(1, limit=10), cost=1))
        self.assertEqual(made.winner, VOLUME)

    def test_a_half_that_cannot_do_the_job_is_out_unmeasured(self):
        made = decide(half(OBJECT, met(9), cost=100), half(VOLUME, cost=1, excluded="the second is refused"))
        self.assertEqual(made.winner, OBJECT)
        self.assertIn("the second is refused", " ".join(made.steps))

    def test_if_both_miss_it_the_nearer_is_named(self):
        made = decide(half(OBJECT, met(500)), half(VOLUME, met(20)))
        self.assertEqual((made.winner, made.nearer), (NEITHER, VOLUME))
        made = decide(half(OBJECT, met(20, least=15, most=30)), half(VOLUME, met(25, least=18, most=40)))
        self.assertEqual((made.winner, made.nearer), (NEITHER, None))

    def test_a_single_run_is_not_believed_to_the_digit(self):
        one = [dataclasses.replace(met(value), runs=1) for value in (100, 120, 200)]
        self.assertIsNone(decide(half(OBJECT, one[0]), half(VOLUME, one[1])).nearer)
        self.assertEqual(decide(half(OBJECT, one[0]), half(VOLUME, one[2])).nearer, OBJECT)

    def test_if_the_only_able_half_misses_it_neither_wins(self):
        made = decide(half(OBJECT, met(500)), half(VOLUME, excluded="no"))
        self.assertEqual((made.winner, made.nearer), (NEITHER, OBJECT))
        self.assertEqual(decide(half(OBJECT, excluded="no"), half(VOLUME, excluded="no")).winner, NEITHER)

    def test_what_was_not_measured_is_not_judged(self):
        made = decide(half(OBJECT), half(VOLUME, met(1)))
        self.assertEqual(made.winner, UNKNOWN)
        self.assertIsNone(made.agrees(VOLUME))

    def test_without_prices_speed_decides(self):
        self.assertEqual(decide(half(OBJECT, met(9)), half(VOLUME, met(1))).winner, VOLUME)


if __name__ == "__main__":
    unittest.main(verbosity=2)
