import unittest

from wordcount import words


class Words(unittest.TestCase):
    def test_case_does_not_matter(self):
        self.assertEqual(words("To be or not to be")["to"], 2)

    def test_a_text_without_words_has_none(self):
        self.assertEqual(words("1, 2, 3!"), {})


if __name__ == "__main__":
    unittest.main()
