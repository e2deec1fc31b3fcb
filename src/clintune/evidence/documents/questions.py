"""What only people can say of the data: the questions of the datasheet, by their key in declarations.yaml.

After Gebru et al. 2021, Datasheets for Datasets (arXiv:1803.09010); TRIPOD+AI; MINIMAR.
"""

from collections.abc import Mapping

QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "Motivation": {
        "purpose": "For what were the records brought together, and by whom?",
        "funding": "Who paid for it?",
        "intended_use": "For whom, and for which decisions, is what is made of them meant?",
        "out_of_scope": "For what may it not be used?",
    },
    "Collection": {
        "origin": "Where are the records from: which institutions, which systems?",
        "collection_period": "From when to when?",
        "sites": "At which sites?",
        "population": "Of which people: who is in, who is out, and why?",
        "legal_basis": "On which legal basis?",
        "consent": "Who agreed, or why was consent not needed?",
        "ethics_review": "Which ethics board said what?",
    },
    "Annotation": {
        "annotators": "Who annotated, with which skills and instructions?",
        "agreement": "How far did annotators agree?",
    },
    "Privacy": {
        "deidentification": "Which identifiers were removed or replaced, how, and who checked it?",
        "residual_risk": "What could still identify a person?",
    },
    "Gaps": {
        "representativeness": "Whom do the records stand for, and whom not?",
        "known_gaps": "What is missing, wrong or doubtful in them?",
    },
    "Keeping": {
        "licence": "Under which licence or agreement may they be used?",
        "distribution": "Who may have them?",
        "retention": "How long are they kept, and how does a person get out?",
        "maintenance": "Who answers questions and mends faults?",
    },
}
