from __future__ import annotations

from harness.clauses.rfc import sections, statements

# Made up, in the layout of the RFC editor's text files: contents, page breaks inside and between paragraphs, lists.
TEXT = """\ufeff
Request for Comments: 99999                                  January 2030

                          A Protocol of Nothing

Table of Contents

   1.  Introduction . . . . . . . . . . . . . . . . . . . . . . . . .   2
   2.  Rules  . . . . . . . . . . . . . . . . . . . . . . . . . . . .   3

1.  Introduction

   The key words "MUST", "SHOULD", and "MAY" are to be interpreted as
   described in BCP 14.  An agent MUST speak.  It SHOULD be brief, e.g.
   one word.

2.  Rules

2.1.  Speaking

   The agent MUST start with a word that is not
   long and that the other



Nobody                       Standards Track                    [Page 2]
\f
RFC 99999                  A Protocol of Nothing            January 2030


   side knows.  It MAY sing.

   o  A listener MUST listen.

   o  A non-
      listener SHALL NOT.

2.1.1.  Acknowledgement of Loud Words

   It MUST NOT shout.

3.  References

   [RFC2119]  "Key words that MUST be quoted".

Appendix A.  Notes

   The reader MUST rest.
"""


def test_statements_are_numbered_by_section_and_level() -> None:
    found = [(statement.key, statement.text) for statement in statements(TEXT)]
    assert found == [
        ("1-M1", "An agent MUST speak."),
        ("1-S1", "It SHOULD be brief, e.g. one word."),
        (
            "2.1-M1",
            "The agent MUST start with a word that is not long and that the other side knows.",
        ),
        ("2.1-Y1", "It MAY sing."),
        ("2.1-M2", "o A listener MUST listen."),
        ("2.1-M3", "o A non-listener SHALL NOT."),
        ("2.1.1-M1", "It MUST NOT shout."),
        ("A-M1", "The reader MUST rest."),
    ]


def test_sections_are_found_once_and_the_contents_are_none() -> None:
    assert [section.number for section in sections(TEXT)] == ["1", "2", "2.1", "2.1.1", "3", "A"]
