"""A made-up organization and its weeks, in the raw formats of five sources, with attackers that are known.

What is not there: logs of Linux hosts, flow logs of the cloud, mail, and whatever the people say to each other. Its
addresses are in ranges that nobody routes: Okta says itself where they are; of the rest, only the organization's own
ways out are in `geo.mmdb`. Clocks are right, nothing comes late, and nothing is lost.
"""
