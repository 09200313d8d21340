"""What the timeline's people say: sentences in twelve languages, and what decorates them."""

# ruff: noqa: RUF001 - other scripts have letters that look like ours

from __future__ import annotations

__all__ = ["ADS", "BIOS", "EMOJI", "SENTENCES", "TAGS"]

#: Sentences by language; ``{n}`` stands for a number.
SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "Measured it {n} times and the median did not move.",
        "Our night train left the harbour {n} minutes late, and nobody on board minded.",
        "Reading the raw logs beats guessing, every single time.",
        "New note on queues & back-pressure: what happens when a < b but nobody checks.",
        'She said "it works on my machine" and then it did not.',
        "The orchard behind the observatory is in bloom again.",
        "We counted {n} swifts above the square before the storm came.",
        "A good table says more than {n} slides.",
        "Turns out the slow part was never the part we had been looking at.",
        "Fresh bread, cold rain, and a bug that only shows up on Tuesdays.",
        "Does anybody still have the map of the old tram lines from {n}?",
        "I will write the long version of this once the second experiment is done.",
        "Half of the fix was deleting code; the other half was believing the profiler.",
        "Tickets for the reading on Friday: {n} left.",
        "Today I learned that the lighthouse keeper kept better records than we do.",
        "Small boats, long shadows, and {n} kilometres to go.",
    ),
    "es": (
        "Medimos {n} veces y la mediana no se movió.",
        "El tren nocturno salió del puerto con {n} minutos de retraso.",
        "¿Alguien conserva el plano de los tranvías de {n}?",
        "Leer los registros siempre es mejor que adivinar.",
        "Mañana publicamos los datos completos, con sus errores y todo.",
        "El huerto detrás del observatorio vuelve a florecer.",
        "Una buena tabla dice más que {n} diapositivas.",
        "Llovió toda la noche y la plaza amaneció llena de golondrinas.",
    ),
    "pt": (
        "Medimos {n} vezes e a mediana não mudou.",
        "O comboio da noite saiu do porto com {n} minutos de atraso.",
        "Ler os registos é sempre melhor do que adivinhar.",
        "A horta atrás do observatório está outra vez em flor.",
        "Alguém ainda tem o mapa dos elétricos de {n}?",
        "Amanhã publicamos tudo, incluindo o que não correu bem.",
        "Uma boa tabela diz mais do que {n} diapositivos.",
    ),
    "fr": (
        "Mesuré {n} fois : la médiane n’a pas bougé.",
        "Le train de nuit est parti du port avec {n} minutes de retard.",
        "Lire les journaux vaut toujours mieux que deviner.",
        "Le verger derrière l’observatoire est de nouveau en fleurs.",
        "Quelqu’un a-t-il encore le plan des tramways de {n} ?",
        "Un bon tableau en dit plus que {n} diapositives.",
        "Demain, nous publions toutes les données, erreurs comprises.",
        "Pain frais, pluie froide, et un bogue qui n’apparaît que le mardi.",
    ),
    "de": (
        "{n}-mal gemessen, der Median blieb, wo er war.",
        "Der Nachtzug verließ den Hafen mit {n} Minuten Verspätung.",
        "Wer die Protokolle liest, muss nicht raten.",
        "Der Obstgarten hinter der Sternwarte blüht wieder.",
        "Hat noch jemand den Straßenbahnplan von {n}?",
        "Eine gute Tabelle sagt mehr als {n} Folien.",
        "Morgen veröffentlichen wir alle Daten, auch die unbequemen.",
        "Frisches Brot, kalter Regen und ein Fehler, der nur dienstags auftritt.",
    ),
    "tr": (
        "{n} kez ölçtük, ortanca yerinden kıpırdamadı.",
        "Gece treni limandan {n} dakika geç kalktı.",
        "Günlükleri okumak tahmin etmekten her zaman iyidir.",
        "Gözlemevinin arkasındaki bahçe yine çiçek açtı.",
        "İyi bir tablo {n} slayttan fazlasını söyler.",
        "Yarın bütün verileri yayımlıyoruz.",
    ),
    "ru": (
        "Измерили {n} раз — медиана не сдвинулась.",
        "Ночной поезд вышел из гавани с опозданием на {n} минут.",
        "Читать журналы всегда лучше, чем гадать.",
        "Сад за обсерваторией снова цветёт.",
        "У кого-нибудь сохранилась схема трамваев {n} года?",
        "Хорошая таблица говорит больше, чем {n} слайдов.",
        "Завтра опубликуем все данные, вместе с ошибками.",
    ),
    "ar": (
        "قسناها {n} مرة ولم يتحرك الوسيط.",
        "غادر قطار الليل الميناء متأخرًا {n} دقيقة.",
        "قراءة السجلات أفضل دائمًا من التخمين.",
        "أزهر البستان خلف المرصد من جديد.",
        "جدول جيد يقول أكثر من {n} شريحة.",
        "غدًا ننشر البيانات كاملة.",
    ),
    "hi": (
        "हमने {n} बार मापा और माध्यिका नहीं हिली।",
        "रात की रेल बंदरगाह से {n} मिनट देर से चली।",
        "अनुमान लगाने से अभिलेख पढ़ना हमेशा बेहतर है।",
        "वेधशाला के पीछे का बाग फिर खिल उठा है।",
        "एक अच्छी तालिका {n} स्लाइडों से ज़्यादा कहती है।",
        "कल हम सारा डेटा प्रकाशित करेंगे।",
    ),
    "ja": (
        "{n}回測っても中央値は動かなかった。",
        "夜行列車は{n}分遅れて港を出た。",
        "推測するより記録を読むほうがいい。",
        "天文台の裏の果樹園がまた咲いている。",
        "よい表は{n}枚のスライドより多くを語る。",
        "明日、すべてのデータを公開します。",
        "{n}年の路面電車の地図を持っている人はいますか。",
        "焼きたてのパン、冷たい雨、そして火曜日にしか出ないバグ。",
    ),
    "ko": (
        "{n}번 쟀지만 중앙값은 움직이지 않았다.",
        "밤 기차는 {n}분 늦게 항구를 떠났다.",
        "짐작하는 것보다 기록을 읽는 편이 낫다.",
        "천문대 뒤 과수원에 다시 꽃이 피었다.",
        "좋은 표 하나가 슬라이드 {n}장보다 낫다.",
        "내일 모든 데이터를 공개합니다.",
    ),
    "zh": (
        "测了{n}次，中位数纹丝不动。",
        "夜班火车晚了{n}分钟离开港口。",
        "与其猜测，不如读日志。",
        "天文台后面的果园又开花了。",
        "一张好表胜过{n}页幻灯片。",
        "明天我们公布全部数据，包括出错的部分。",
        "谁还有{n}年的电车路线图？",
    ),
}

TAGS: dict[str, tuple[str, ...]] = {
    "en": ("harbour", "openData", "fieldNotes", "nightTrain", "swifts"),
    "es": ("datosAbiertos", "puerto", "notasDeCampo"),
    "pt": ("dadosAbertos", "comboio", "Lisboa"),
    "fr": ("donnéesOuvertes", "trainDeNuit", "carnet"),
    "de": ("Nachtzug", "OffeneDaten", "Straßenbahn"),
    "tr": ("açıkVeri", "liman"),
    "ru": ("открытыеДанные", "гавань"),
    "ar": ("بيانات_مفتوحة", "ميناء"),
    "hi": ("खुला_डेटा", "बंदरगाह"),
    "ja": ("夜行列車", "観測ノート"),
    "ko": ("열린데이터", "밤기차"),
    "zh": ("开放数据", "夜班火车"),
}

EMOJI = ("🚆", "🌧️", "📊", "🧭", "🕊️", "🍞", "🔭", "⛵", "🌸", "🧪", "👩‍🔬", "🇵🇹")

ADS = (
    "Notebooks that lie flat, pens that last. Free delivery this week.",
    "Your data deserves a quiet place. Try our archive for 30 days.",
    "Sleep on the train, wake up by the sea. Seats from 29.",
    "The coffee subscription for people who measure twice.",
)

BIOS = (
    "Measures things.",
    "Field notes, tables, trains.",
    "Harbour archive. Opinions are the pilot's.",
    "Reads logs for a living",
    "Birds & queues",
    "",
)
