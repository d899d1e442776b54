"""The words from which the sample's people are made: common names, telephone area codes, time zones."""

# ruff: noqa: SIM905 - as list literals these would take a line for each word

from typing import Final

FIRST_NAMES: Final = tuple(
    """
    Aaron Abigail Adam Alan Alexander Alice Amanda Amber Amy Andrea Andrew Angela Anna Anthony Arthur Ashley Austin
    Barbara Benjamin Betty Brandon Brenda Brian Carl Carol Catherine Charles Cheryl Christina Christopher Cynthia
    Daniel David Deborah Denise Dennis Diana Donald Donna Dorothy Douglas Dylan Edward Elena Elizabeth Emily Emma Eric
    Ethan Eugene Evelyn Frances Frank Gabriel Gary George Gerald Gloria Grace Gregory Hannah Harold Heather Helen Henry
    Isabella Jack Jacob Jacqueline James Janet Janice Jason Jean Jeffrey Jennifer Jerry Jesse Jessica Joan John Jordan
    Jose Joseph Joshua Joyce Juan Judith Julia Justin Karen Katherine Kathleen Keith Kelly Kenneth Kevin Kimberly Kyle
    Larry Laura Lauren Lawrence Linda Lisa Logan Louis Madison Margaret Maria Marie Marilyn Mark Martha Mary Matthew
    Megan Melissa Michael Michelle Mildred Nancy Natalie Nathan Nicholas Nicole Noah Olivia Pamela Patricia Patrick Paul
    Peter Philip Rachel Ralph Randy Raymond Rebecca Richard Robert Roger Ronald Rose Roy Russell Ruth Ryan Samantha
    Samuel Sandra Sara Scott Sean Sharon Shirley Sophia Stephanie Stephen Steven Susan Teresa Terry Theresa Thomas
    Timothy Tyler Victoria Vincent Virginia Walter Wayne William Zachary
    """.split()
)

LAST_NAMES: Final = tuple(
    """
    Adams Alexander Allen Alvarez Anderson Bailey Baker Barnes Bell Bennett Brooks Brown Bryant Butler Campbell Carter
    Castillo Chavez Clark Coleman Collins Cook Cooper Cox Cruz Davis Diaz Edwards Evans Fisher Flores Foster Garcia
    Gibson Gomez Gonzalez Graham Gray Green Griffin Gutierrez Hall Hamilton Harris Harrison Hayes Henderson Henry
    Hernandez Hill Howard Hughes Jackson James Jenkins Jimenez Johnson Jones Jordan Kelly Kennedy Kim King Lee Lewis
    Long Lopez Marshall Martin Martinez Mason McDonald Mendoza Miller Mitchell Moore Morales Morgan Morris Murphy
    Murray Myers Nelson Nguyen Ortiz Owens Parker Patel Patterson Perez Perry Peterson Phillips Powell Price Ramirez
    Ramos Reed Reyes Reynolds Richardson Rivera Roberts Robinson Rodriguez Rogers Ross Ruiz Russell Sanchez Sanders
    Scott Simmons Smith Stevens Stewart Sullivan Taylor Thomas Thompson Torres Turner Vasquez Walker Wallace Ward
    Washington Watson Webb Wells West White Williams Wilson Wood Woods Wright Young
    """.split()
)

AREA_CODES: Final = tuple(
    "201 203 206 212 213 214 216 303 305 312 313 314 317 404 405 407 412 414 415 480 502 503 504 505 510 512 513 515 "
    "601 602 614 615 617 702 703 713 716 801 804 816 901 904 907 913 916 918 919 937".split()
)

TIMEZONES: Final = {
    "America/New_York": 0.52,
    "America/Chicago": 0.24,
    "America/Denver": 0.08,
    "America/Los_Angeles": 0.12,
    "America/Phoenix": 0.03,
    "America/Anchorage": 0.005,
    "Pacific/Honolulu": 0.005,
}
