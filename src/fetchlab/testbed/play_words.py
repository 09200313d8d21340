"""Countries, categories and words that the store's charts, pages and reviews are made of."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CATEGORIES",
    "COLLECTIONS",
    "COUNTRIES",
    "DEVELOPERS",
    "FIRST",
    "KINDS",
    "OPINIONS",
    "PITCHES",
    "RATINGS",
    "SECOND",
    "USERS",
    "Country",
]


def _split(text: str, at: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(at))


class Country(NamedTuple):
    """Where prices are shown: the currency, how an amount is written, and what a dollar is worth."""

    currency: str
    written: str
    rate: float
    whole: bool = False


_EURO = Country("EUR", "{} €", 0.93)

COUNTRIES: dict[str, Country] = {
    "us": Country("USD", "${}", 1.0),
    "gb": Country("GBP", "£{}", 0.79),
    **dict.fromkeys(("de", "fr", "it", "es", "nl", "at", "be", "ie", "fi", "pt", "gr"), _EURO),
    "ch": Country("CHF", "CHF {}", 0.88),
    "se": Country("SEK", "{} kr", 10.6),
    "no": Country("NOK", "{} kr", 10.9),
    "dk": Country("DKK", "{} kr.", 6.9),
    "pl": Country("PLN", "{} zł", 4.0),
    "cz": Country("CZK", "{} Kč", 23.3),
    "hu": Country("HUF", "{} Ft", 365.0, whole=True),
    "ro": Country("RON", "{} RON", 4.6),
    "tr": Country("TRY", "₺{}", 34.0),
    "ua": Country("UAH", "{} ₴", 41.0),
    "il": Country("ILS", "₪{}", 3.7),
    "sa": Country("SAR", "SAR {}", 3.75),
    "ae": Country("AED", "AED {}", 3.67),
    "za": Country("ZAR", "R {}", 18.0),
    "in": Country("INR", "₹{}", 84.0),
    "id": Country("IDR", "Rp {}", 15_800.0, whole=True),
    "th": Country("THB", "฿{}", 34.5),
    "vn": Country("VND", "₫{}", 25_300.0, whole=True),
    "ph": Country("PHP", "₱{}", 58.0),
    "my": Country("MYR", "RM {}", 4.4),
    "sg": Country("SGD", "$ {}", 1.34),
    "jp": Country("JPY", "¥{}", 152.0, whole=True),
    "kr": Country("KRW", "₩{}", 1_390.0, whole=True),
    "tw": Country("TWD", "NT${}", 32.3),
    "hk": Country("HKD", "HK${}", 7.8),
    "au": Country("AUD", "${}", 1.53),
    "nz": Country("NZD", "${}", 1.69),
    "ca": Country("CAD", "CA${}", 1.39),
    "br": Country("BRL", "R$ {}", 5.8),
    "mx": Country("MXN", "MX${}", 20.2),
}

COLLECTIONS = ("topselling_free", "topselling_paid", "topgrossing")


def _named(text: str) -> dict[str, str]:
    return dict(line.strip().split(" ", 1) for line in text.strip().split("|"))


#: Category to genre. The three that hold others come last.
CATEGORIES: dict[str, str] = _named(
    "ART_AND_DESIGN Art & Design|AUTO_AND_VEHICLES Auto & Vehicles|BEAUTY Beauty|"
    "BOOKS_AND_REFERENCE Books & Reference|BUSINESS Business|COMICS Comics|COMMUNICATION Communication|"
    "DATING Dating|EDUCATION Education|ENTERTAINMENT Entertainment|EVENTS Events|FINANCE Finance|"
    "FOOD_AND_DRINK Food & Drink|HEALTH_AND_FITNESS Health & Fitness|HOUSE_AND_HOME House & Home|"
    "LIBRARIES_AND_DEMO Libraries & Demo|LIFESTYLE Lifestyle|MAPS_AND_NAVIGATION Maps & Navigation|"
    "MEDICAL Medical|MUSIC_AND_AUDIO Music & Audio|NEWS_AND_MAGAZINES News & Magazines|PARENTING Parenting|"
    "PERSONALIZATION Personalization|PHOTOGRAPHY Photography|PRODUCTIVITY Productivity|SHOPPING Shopping|"
    "SOCIAL Social|SPORTS Sports|TOOLS Tools|TRAVEL_AND_LOCAL Travel & Local|"
    "VIDEO_PLAYERS Video Players & Editors|WEATHER Weather|ANDROID_WEAR Watch apps|WATCH_FACE Watch faces|"
    "GAME_ACTION Action|GAME_ADVENTURE Adventure|GAME_ARCADE Arcade|GAME_BOARD Board|GAME_CARD Card|"
    "GAME_CASINO Casino|GAME_CASUAL Casual|GAME_EDUCATIONAL Educational|GAME_MUSIC Music|GAME_PUZZLE Puzzle|"
    "GAME_RACING Racing|GAME_ROLE_PLAYING Role Playing|GAME_SIMULATION Simulation|GAME_SPORTS Sports|"
    "GAME_STRATEGY Strategy|GAME_TRIVIA Trivia|GAME_WORD Word|"
    "APPLICATION Apps|GAME Games|FAMILY Family"
)

#: What a category that holds others is made of.
KINDS: dict[str, tuple[str, ...]] = {
    "APPLICATION": tuple(
        name for name in CATEGORIES if not name.startswith(("GAME", "APPLICATION", "FAMILY"))
    ),
    "GAME": tuple(name for name in CATEGORIES if name.startswith("GAME_")),
    "FAMILY": ("EDUCATION", "PARENTING", "GAME_CASUAL", "GAME_EDUCATIONAL", "GAME_PUZZLE"),
}

FIRST = _split(
    "Bright Quick Pocket Silent Golden Happy Tiny Super Magic Daily Smart Wild Royal Cosmic Frozen Neon "
    "Lucky Brave Turbo Crystal Shadow Mega Pixel Prime"
)
SECOND = _split(
    "Planner Quest Runner Garden Camera Kingdom Keyboard Budget Recipe Racer Legends Notes Radar Puzzle Chat "
    "Weather Market Studio Heroes Blocks Scanner Player Farm Diary"
)
DEVELOPERS = _split("Labs|Games|Studio|Apps|Software|Interactive|& Söhne|Mobile", "|")
PITCHES = (
    "The {first} way to your {second}",
    "{second} made simple & fun",
    "Your {second}, {first} and offline",
    "A {first} {second} for the whole family",
    "Café-tested {second}: nothing else needed",
)
RATINGS = ("Everyone", "Everyone 10+", "Teen", "Mature 17+")
OPINIONS = (
    "Works as it should.",
    "Too many ads, but the {second} is great.",
    "Crashes since the last update 😞",
    "Könnte besser sein, aber ganz {first}.",
    "Best {second} I have ever used!",
    "素晴らしいアプリです",
    "It's \"{first}\" & that's all I wanted.",
    "Lost my data <twice>. Never again.",
)
USERS = _split("Ana Bo Chloé Dmitri Emre Fatima Goran Hana Ines João Kofi Lin Mai Nils Olga Priya")
