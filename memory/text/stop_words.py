"""Words that say nothing about what a question is after."""

from __future__ import annotations

# "may" and "will" are left in: a month and a name.
_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could did do does doing down during each either else ever few for
from further get gets getting give got had has have having he her here hers herself him himself
his how i if in into is it its itself just let me might more most much must my myself neither no
nor not of off on once only or other our ours ourselves out over own per please quite rather
same shall she should so some such tell than that the their theirs them themselves then there
these they this those through to too under until up upon us very was we were what whatever when
where whether which while who whoever whom whose why with within without would yes yet you your
yours yourself yourselves
aren't can't cannot couldn't didn't doesn't don't hadn't hasn't haven't isn't mightn't mustn't
needn't shan't shouldn't wasn't weren't won't wouldn't
he'd he'll he's here's how'd how's i'd i'll i'm i've it'd it'll it's let's she'd she'll she's
that'd that'll that's there's they'd they'll they're they've we'd we'll we're we've what'd
what're what's when's where'd where's who'd who'll who's why'd why's you'd you'll you're you've
s t d ll m re ve
"""

ENGLISH = frozenset(_ENGLISH.split())
