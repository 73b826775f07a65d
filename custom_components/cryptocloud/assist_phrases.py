"""What people ask Assist about their balances, and what it says, by language."""

from collections.abc import Iterable
from itertools import batched
import re
from typing import NamedTuple

from homeassistant.const import CONF_ALIAS, CONF_COMMAND, CONF_PLATFORM
from homeassistant.helpers.typing import ConfigType


class Phrases(NamedTuple):
    """The phrases of a language.

    Questions are sentence templates: (one|of|these), [optional]. Assist ignores case
    and punctuation.
    """

    # How much there is of {name}: a currency, a coin, or any sensor of the account
    amount: tuple[str, ...]
    # What {name} is. Home Assistant itself answers this for the names it knows.
    state: tuple[str, ...]
    # How much money there is: a {name} for the first questions, and questions of its own
    money: str
    total: tuple[str, ...]
    # Answers
    unknown: str
    not_exposed: str


# Reading a sentence with the names of hundreds of currencies would block the event loop.
NAMES_AT_ONCE = 100

# Assist understands all questions, whatever language it is set to.
PHRASES = {
    "en": Phrases(
        amount=(
            "how (much|many) {name} [do (we|I) have|have (we|I) got]",
            "how (much|many) {name} (is|are) (there|left|in (the|our|my) account)",
            "how much (do (we|I) have|have (we|I) got|is there) (in|of) {name}",
            "[what is|what's|tell me] [the|our|my] balance (of|in) {name}",
            "[what is|what's|tell me] [the|our|my] {name} balance",
        ),
        state=("(what is|what's|tell me) [the [(value|state) of]] {name}",),
        money="money",
        total=(
            "(what is|what's|tell me) (the total|(our|my) [total]) balance",
            "how much (do (we|I) have|have (we|I) got) (in total|altogether)",
        ),
        unknown="not known at the moment",
        not_exposed="Sorry, {name} is not exposed",
    ),
    "ru": Phrases(
        amount=(
            "сколько [у (нас|меня)] {name} [есть|осталось|на (балансе|счету|счёте)]",
            "сколько [у (нас|меня)] (есть|осталось|на (балансе|счету|счёте)) {name}",
            "сколько {name} у (нас|меня) [есть|осталось|на (балансе|счету|счёте)]",
            "[какой] [у (нас|меня)|наш|мой] [сейчас] баланс [в|по] {name}",
            "какой баланс [в|по] {name} у (нас|меня)",
        ),
        state=("(что [там] с|какое (состояние|значение) [у]) {name}",),
        money="[всего] (денег|средств)",
        total=("какой (у (нас|меня)|наш|мой) [сейчас] [общий] баланс",),
        unknown="сейчас неизвестно",
        not_exposed="Доступ к объекту {name} не предоставлен",
    ),
    "uk": Phrases(
        amount=(
            "скільки [(у|в) (нас|мене)] {name} [є|залишилося|на (балансі|рахунку)]",
            "скільки [(у|в) (нас|мене)] (є|залишилося|на (балансі|рахунку)) {name}",
            "скільки {name} (у|в) (нас|мене) [є|залишилося|на (балансі|рахунку)]",
            "[який] [(у|в) (нас|мене)|наш|мій] [зараз] баланс [у|в|по] {name}",
            "який баланс [у|в|по] {name} (у|в) (нас|мене)",
        ),
        state=("(що [там] (з|із)|(який стан|яке значення) [у]) {name}",),
        money="[всього|усього] (грошей|коштів)",
        total=("який ((у|в) (нас|мене)|наш|мій) [зараз] [загальний] баланс",),
        unknown="зараз невідомо",
        not_exposed="Вибачте, {name} не є доступним",
    ),
    "de": Phrases(
        amount=(
            "(wie viel[e]|wieviel[e]) {name} [haben wir|habe ich|gibt es]",
            "(wie viel[e]|wieviel[e]) {name} (ist|sind) [noch] (da|auf dem Konto)",
            "(wie viel|wieviel) (haben wir|habe ich) [noch] (in|an) {name}",
            "(wie hoch|was) ist (das|unser|mein) {name} (Guthaben|Kontostand)",
            "(wie hoch|was) ist (das|unser|mein) Guthaben (an|in|von) {name}",
            "(wie hoch|was) ist (der|unser|mein) Kontostand (in|von) {name}",
        ),
        state=("(was ist|[wie ist] der (Wert|Stand|Status) von) {name}",),
        money="Geld",
        total=(
            "(wie hoch|was) ist (unser|mein) [gesamtes] (Guthaben|Kontostand)",
            "(wie hoch|was) ist (das|unser|mein) Gesamtguthaben",
        ),
        unknown="derzeit nicht bekannt",
        not_exposed="{name} ist nicht freigegeben",
    ),
    "es": Phrases(
        amount=(
            "(cuánto|cuanto|cuántos|cuantos) {name} [tenemos|tengo|hay]",
            "(cuánto|cuanto|cuántos|cuantos) {name} (nos|me) queda[n]",
            "(cuánto|cuanto|cuántos|cuantos) {name} [tenemos|tengo|hay] en la cuenta",
            "(cuánto|cuanto) (tenemos|tengo|hay|(nos|me) queda) (en|de) {name}",
            "[(cuál|cual) es] (el|nuestro|mi) saldo (de|en) {name}",
        ),
        state=("((cuál|cual) es el (estado|valor) de|cómo está) {name}",),
        money="dinero",
        total=("(cuál|cual) es ((nuestro|mi) saldo [total]|el saldo total)",),
        unknown="no se conoce en este momento",
        not_exposed="Lo siento, {name} no se expone al asistente",
    ),
    "fr": Phrases(
        amount=(
            "combien (de |d'){name} [avons nous|ai je|a t on|y a t il|reste t il]",
            "combien (de |d'){name} (nous avons|j'ai|on a|il y a|il reste)",
            "combien (avons nous|ai je|a t on|on a|y a t il) (de |d'|en ){name}",
            "combien [nous] reste t il (de |d'|en ){name}",
            "(on a|nous avons|j'ai|il y a|il [nous] reste) combien (de |d'){name}",
            "[quel est|c'est quoi] (le|notre|mon) solde (de |d'|en ){name}",
        ),
        state=("(quel est l'état|quelle est la valeur) (de |d'){name}",),
        money="argent",
        total=("(quel est|c'est quoi) ((notre|mon) solde [total]|le solde total)",),
        unknown="pas connu pour le moment",
        not_exposed="Désolé, {name} n'est pas exposé",
    ),
    "pt-BR": Phrases(
        amount=(
            "(quanto|quantos) {name} [[nós] temos|[eu] tenho|[a gente] tem|há]",
            "(quanto|quantos) {name} [temos|tenho|tem|há] na conta",
            "quanto ([nós] temos|[eu] tenho|[a gente] tem|há) (de|em) {name}",
            "[qual [é]] [o] [nosso|meu] saldo (de|em|do) {name}",
        ),
        state=("(qual [é] o (estado|valor) (de|do)|como está) {name}",),
        money="dinheiro",
        total=("qual [é] ([o] (nosso|meu) saldo [total]|o saldo total)",),
        unknown="desconhecido no momento",
        not_exposed="Desculpe, {name} não está exposto",
    ),
    "tr": Phrases(
        amount=(
            "[bizde|bende|hesapta|hesabımızda] {name} ne kadar [var|kaldı]",
            "[bizde|bende|hesapta|hesabımızda] (ne kadar|kaç) {name} [var|kaldı]",
            "{name} (bakiyesi|bakiyemiz|bakiyem) (ne kadar|kaç|nedir)",
        ),
        state=("{name} (nedir|ne durumda|durumu (ne|nedir))",),
        money="(para|paramız|param)",
        total=("[toplam] (bakiyemiz|bakiyem) (ne kadar|kaç|nedir)",),
        unknown="şu anda bilinmiyor",
        not_exposed="{name} paylaşıma açık değil",
    ),
    "zh-Hans": Phrases(
        amount=(
            "[我们|我][现在|账户里|账户上][一共|总共][还](有|剩)多少[个][ ]{name}",
            "{name}[ ][我们|我][现在][还](有|剩)多少",
            "[我们|我][现在][的][ ]{name}[ ][的]余额[还](是|有|剩)多少",
        ),
        state=("{name}[ ](是多少|怎么样|的状态是什么)",),
        money="钱",
        total=("[我们|我][现在][的](总余额|账户余额)(是|有)多少",),
        unknown="目前未知",
        not_exposed="抱歉，{name} 没有暴露",
    ),
}


def make_triggers(
    names: Iterable[str | None], names_with_state: Iterable[str | None]
) -> list[ConfigType]:
    """Return triggers for each question; the alias is the question as it is above.

    Assist looks no further where one trigger matches twice: a single trigger with all
    questions could hide a user's automation with the same sentence.
    """
    any_name = _join(names)
    any_name_with_state = _join(names_with_state)
    questions: dict[str, tuple[str, ...]] = {}
    for phrases in PHRASES.values():
        money = (_fill_in(question, phrases.money) for question in phrases.amount)
        questions |= dict.fromkeys((*phrases.total, *money), ("-",))
        questions |= dict.fromkeys(phrases.amount, any_name)
        questions |= dict.fromkeys(phrases.state, any_name_with_state)
    return [
        {
            CONF_PLATFORM: "conversation",
            CONF_ALIAS: question,
            CONF_COMMAND: _fill_in(question, some_names),
        }
        for question, any_names in questions.items()
        for some_names in any_names
    ]


def _join(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return templates that each match up to NAMES_AT_ONCE names."""
    escaped = sorted(map(_escape, filter(None, names)))
    return tuple(map("|".join, batched(escaped, NAMES_AT_ONCE, strict=False)))


def find_name(question: str, sentence: str, names: Iterable[str | None]) -> str:
    """Return the name in a sentence that matches a question, or none of them."""
    # Loaded by Assist, and of no use without it
    from hassil import Intents, recognize_all  # noqa: PLC0415

    intents = {
        name: {"data": [{"sentences": [_fill_in(question, _escape(name))]}]}
        for name in filter(None, names)
    }
    results = recognize_all(
        sentence, Intents.from_dict({"language": "en", "intents": intents})
    )
    # The longest: "our USDT" rather than "USDT" where "our" is optional
    return max((result.intent.name for result in results), key=len, default="")


def _fill_in(question: str, name: str) -> str:
    """Return a question with a name."""
    return question.replace("{name}", f"({name})")


def _escape(name: str) -> str:
    """Return a template for a name in lower case, whatever characters it has."""
    template = re.sub(r"([][(){}<>|;\\])", r"(\\\1)", name)
    # The Turkish İ becomes two letters in lower case, which Assist does not expect.
    return template.replace("i̇", "(İ|i̇)")
