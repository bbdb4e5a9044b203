"""Words that nobody knows, with a definition and a sentence that uses them (GPT-3, section 3.9.5).

GPT-3's six words and sentences were written by its authors, who read the answers and gave no score. Here words are
drawn from syllables, and definitions and sentences are ours. All words of one definition are in one split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRST = ("bl", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "pl", "s", "t", "tr", "v", "z")
MIDDLE = ("a", "e", "i", "o", "u")
LAST = ("b", "ck", "f", "g", "l", "m", "n", "p", "rd", "sk", "t", "v")
WORDS_OF_A_MEANING = 12


@dataclass(frozen=True)
class Meaning:
    """The meaning of a word."""

    definition: str
    """Behind "is", or of something that is done behind "means"."""
    sentence: str
    """With the word in the place of `_`."""
    is_done: bool = False
    """True for a verb."""


NOUNS = (
    ("a small lamp that is carried on a stick", "She lit the _ and led us down to the boats."),
    ("a soup of roots that is eaten cold", "After the walk we shared a bowl of _ and some bread."),
    ("a bird that sings only at night", "All summer a _ kept us awake with its song."),
    ("a hat of reeds with a wide brim", "He took off his _ when the wind came up."),
    ("a box in which letters are kept", "Her oldest letters are in the _ under the bed."),
    ("a bridge made of one tree", "We crossed the river on a _ that shook with every step."),
    ("a game for three players with one ball", "The children played _ until it was dark."),
    ("a wind that comes before snow", "The farmers felt the _ and brought their sheep home."),
    ("a drum that is played with the feet", "Nobody in the band can keep time on the _ as he can."),
    ("a debt that is paid with work", "His _ was four days in the neighbor's field."),
    ("a coat with no sleeves", "It was too warm for a _, so she left it on the chair."),
    ("a path that only goats can use", "The _ to the hut is shorter, but nobody takes it twice."),
    ("a cake that is baked in a leaf", "Grandmother brought a _ for each of us."),
    ("a room under a stair", "The cat had her kittens in the _ behind the brooms."),
)
VERBS = (
    ("to walk quickly while carrying something full", "Do not _ with the soup, or it will be on the floor."),
    ("to pretend to be asleep", "The boys began to _ when they heard her on the stairs."),
    ("to look for something that is in one's hand", "He would often _ for his keys, and laugh when he saw them."),
    ("to speak so that only one person can hear it", "They had to _ in the library all afternoon."),
    ("to mend a thing with a part of another", "We can _ the cart with a wheel of the old one."),
    ("to wait for rain to stop", "There was nothing to do but _ under the roof of the market."),
    ("to give away what one was given", "You must not _ this ring, as it was my mother's."),
    ("to laugh at the wrong moment", "I always _ when somebody gives a speech."),
    ("to cut bread very thin", "Please _ the loaf, as there are nine of us."),
    ("to row a boat in a circle", "With one oar you can only _ on this lake."),
)
MEANINGS = (
    *(Meaning(definition, sentence) for definition, sentence in NOUNS),
    *(Meaning(definition, sentence, is_done=True) for definition, sentence in VERBS),
)


def novel_word(random: np.random.Generator) -> str:
    """Return a word of two syllables."""
    parts = (FIRST, MIDDLE, LAST, MIDDLE, LAST)
    return "".join(letters[int(random.integers(0, len(letters)))] for letters in parts)


def defined(word: str, meaning: Meaning) -> str:
    """Return the sentence that says what a word stands for, in GPT-3's form."""
    return f'{"To" if meaning.is_done else "A"} "{word}" {"means" if meaning.is_done else "is"} {meaning.definition}.'
