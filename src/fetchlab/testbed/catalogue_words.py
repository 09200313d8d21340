"""The words that the catalogue's titles, plots and names are made of."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ADJECTIVES",
    "ENDINGS",
    "FIRST_NAMES",
    "FOREIGN",
    "GENRE_SETS",
    "LANGUAGES",
    "LAST_NAMES",
    "NOUNS",
    "OFFERS",
    "PLACES",
    "PLOTS",
    "RATINGS_MPA",
    "TITLES",
    "Offer",
]


def _split(text: str, at: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(at))


ADJECTIVES = _split(
    "Last First Silent Broken Hidden Burning Frozen Golden Crimson Endless Forgotten Savage Gentle "
    "Electric Hollow Distant Midnight Paper Stolen Secret Wild Lonely Bitter Sacred Invisible Final "
    "Restless Perfect Lost Velvet Rising Falling Fearless Quiet Deadly Beautiful Dark Little Great "
    "Strange"
)

NOUNS = _split(
    "Harbour Garden Road River Shadow Winter Summer Detective Daughter Son King Queen Stranger Soldier "
    "Promise Game Letter House Island Mountain Forest Machine Dream Storm Witness Dance Orchard "
    "Lighthouse Train Mirror Song Kingdom Horizon Voyage Hunter Wolf Tiger Raven Fire Ocean Desert Moon "
    "Sun Star Night Morning Bridge Station Memory Silence Heart Sword Crown Empire Colony Signal Code "
    "Frontier Circus Hotel Theatre Clock"
)

PLACES = _split(
    "Lisbon|Prague|Havana|Kyoto|Marrakesh|Buenos Aires|New Orleans|Alaska|Texas|Brooklyn|"
    "Berlin|Naples|Dublin|Cairo|Bombay|Saigon|Oslo|Reykjavík|Montréal|São Paulo|Málaga|Zürich|"
    "Vienna|Odessa|Shanghai|Seoul|Nairobi|Patagonia",
    "|",
)

FIRST_NAMES = _split(
    "Anna James Maria John Sofia David Elena Michael Grace Thomas Chloé Daniel Ingrid Robert Yuki William "
    "Zoë Peter Fatima Joseph Nadia Henry José Samuel Olivia Björn Emma Lucas Aïcha Victor Clara Hugo Mei "
    "Arthur Priya Oscar"
)

LAST_NAMES = _split(
    "Smith Garcia Müller Johnson Rossi Tanaka Brown Novák Silva Martin Jones Nguyen Andersson Kowalski "
    "Miller Ivanov Davis García-López O'Brien Wilson Dubois Moore Fernández Taylor Kim Clark Sørensen "
    "Lewis Okafor Walker Haddad Young Strøm King Ozturk Wright Łukasz"
)

#: Title as written, title in English, language.
FOREIGN = (
    ("Le Fabuleux Été d'Hélène", "The Fabulous Summer of Helene", "fr"),
    ("À bout de forces", "At the End of Strength", "fr"),
    ("Ça n'arrive qu'à nous", "It Only Happens to Us", "fr"),
    ("El año del búho", "The Year of the Owl", "es"),
    ("La niña y el señor Muñoz", "The Girl and Mr Munoz", "es"),
    ("Die Brücke über den Fluß", "The Bridge over the River", "de"),
    ("Grüße aus Köln", "Greetings from Cologne", "de"),
    ("Città senza mare", "City without a Sea", "it"),
    ("Perché l'estate è breve", "Why Summer Is Short", "it"),
    ("東京の夜明け", "Tokyo Daybreak", "ja"),
    ("千と雪の手紙", "A Thousand Letters of Snow", "ja"),
    ("기억의 정원", "Garden of Memory", "ko"),
    ("마지막 기차", "The Last Train", "ko"),
    ("長城以北", "North of the Wall", "zh"),
    ("花火與刀", "Fireworks and Blade", "cn"),
    ("Ночной поезд", "The Night Train", "ru"),
    ("Тишина над рекой", "Silence over the River", "ru"),
    ("दिल की सड़क", "Road of the Heart", "hi"),
    ("বৃষ্টির শহর", "City of Rain", "bn"),
    ("İstanbul'da Son Gece", "Last Night in Istanbul", "tr"),
    ("Żółta łódź", "The Yellow Boat", "pl"),
    ("Příběh o dešti", "A Story of Rain", "cs"),
    ("Ørkenens hjerte", "Heart of the Desert", "da"),
    ("Så länge vi är här", "As Long as We Are Here", "sv"),
    ("Coração de São João", "Heart of Saint John", "pt"),
    ("مدينة الظلال", "City of Shadows", "ar"),
    ("הגשר האחרון", "The Last Bridge", "he"),
    ("Στη σιωπή της θάλασσας", "The Silence of the Sea", "el"),
    ("คืนสุดท้ายที่บางกอก", "The Last Night in Bangkok", "th"),
    ("Đêm Hà Nội", "Hanoi Night", "vi"),
)

TITLES = (
    "The {adjective} {noun}",
    "{adjective} {noun}",
    "The {noun} of {place}",
    "{noun} & {other}",
    "{name}'s {noun}",
    "{place}: The {adjective} {noun}",
    "A {noun} in {place}",
    "The {noun} and the {other}",
    "{adjective} {noun} Rising",
    "{name}",
    "{noun}",
    "{adjective} {place}",
    "When the {noun} Falls",
    "{noun} of {family}",
    "No {noun} for {name}",
    "Beyond the {adjective} {noun}",
)

#: What may follow a title; most often nothing.
ENDINGS = ("",) * 24 + _split(
    " 2| 3| II| Returns| Rising|: The Beginning|: A Love Story|: Part One|: Part Two|: The Last Chapter|"
    " in Winter| by Night|: Homecoming|: The Untold Story| Forever|: Redemption|: A True Story| Revisited",
    "|",
)

PLOTS = (
    "{name} {family} returns to {place} after twenty years, where the {noun} has not been forgotten.",
    "When a {adjective} {noun} appears near {place}, two sisters must decide whom to trust.",
    "A retired detective takes a case that begins with a stolen {noun} and ends in {place}.",
    "Nobody in {place} remembers who built the {noun}, and those who ask about it tend to disappear.",
    "Set over one {adjective} summer, {name} {family} lives through love, loss and an unlikely friendship.",
    "As the city prepares for war, {name} hides a {noun} that could change everything.",
    "Based on true events: the people of {place}, and the night that made them famous.",
    "With time running out, the crew must cross the {adjective} {noun} before {family} reaches it first.",
    "A musician who has lost everything is offered one more concert in {place}, at a price.",
    "What begins as a harmless game between neighbours grows into a fight for the old {noun}.",
    "{name} only wanted a quiet life, but the {adjective} {noun} on the hill has other plans.",
    "Years later, a letter from {place} brings the family together for what may be the last time.",
    "The {noun} is not what it seems, and neither is {name} {family}.",
    "Caught between duty and the truth, a young officer follows the trail of the {noun} to {place}.",
    "A comedy about a wedding, a {adjective} {noun} and the worst possible weekend in {place}.",
    "In the near future memories are traded like coins, and the dearest is a {noun}.",
)

_GENRES = _split(
    "Drama Comedy Action Thriller Romance Horror Crime Adventure Sci-Fi Fantasy Mystery Family Animation "
    "Biography History Documentary Music War Western Sport Musical Film-Noir"
)

#: One to four genres, every genre as often as any other.
GENRE_SETS = tuple(
    tuple(_GENRES[(first + step * step) % len(_GENRES)] for step in range(size))
    for first in range(len(_GENRES))
    for size in (1, 2, 3, 4)
)

#: Repeated as often as it is common.
LANGUAGES = ("en",) * 44 + _split("fr es ja hi it ko de cn zh ru pt sv da pl tr th tl fa nl fi")
RATINGS_MPA = ("", "", "", "", "R", "R", "PG-13", "PG-13", "PG", "Not Rated", "G", "NC-17")


class Offer(NamedTuple):
    """A kind of torrent: about how many megabytes an hour and a half takes, and its variants as JSON."""

    quality: str
    megabytes: int
    releases: tuple[str, ...]


def _offer(quality: str, kind: str, megabytes: int) -> Offer:
    usual, better = '"video_codec":"x264","bit_depth":"8"', '"video_codec":"x265","bit_depth":"10"'
    return Offer(
        quality,
        megabytes,
        tuple(
            f'"quality":"{quality}","type":"{kind}","is_repack":"{repack}",{codec},"audio_channels":"{audio}"'
            for repack in (0,) * 15 + (1,)
            for codec in (usual, usual, usual, better)
            for audio in ("2.0", "2.0", "5.1")
        ),
    )


_OFFERS = (
    _offer("720p", "web", 800),
    _offer("1080p", "web", 1500),
    _offer("720p", "bluray", 850),
    _offer("1080p", "bluray", 1700),
    _offer("2160p", "web", 4300),
    _offer("2160p", "bluray", 4800),
    _offer("3D", "bluray", 1600),
)

#: One to three of them, most often one, the smallest first.
OFFERS = tuple(
    tuple(_OFFERS[(first + number) % len(_OFFERS)] for number in range(size))
    for first in range(5)
    for size in (1, 1, 2, 3)
)
