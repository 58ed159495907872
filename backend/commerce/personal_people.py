"""People's names in free text: after words that introduce one, or a frequent first name followed by a surname.

``person_names/`` lists frequent first names and surnames, and brands, authors and places that look like a person's name.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "person_names"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_JOINS = frozenset(("da", "de", "do", "das", "dos", "del", "di", "van", "von", "e"))
_MOST_WORDS = 7


class _Names:
    """The lists of ``person_names/``: which words are first names and surnames, and which of them are ordinary words too."""

    def __init__(self) -> None:
        self.first, self.first_words = _starred("first.txt")
        self.last, self.last_words = _starred("last.txt")
        self.not_people: dict[str, list[list[str]]] = {}
        for line in _lines("not_people.txt"):
            words = line.split()
            self.not_people.setdefault(words[0], []).append(words)


def _lines(file: str) -> list[str]:
    text = (_FOLDER / file).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _starred(file: str) -> tuple[frozenset[str], frozenset[str]]:
    words = " ".join(_lines(file)).split()
    return frozenset(w.rstrip("*") for w in words), frozenset(w[:-1] for w in words if w.endswith("*"))


@lru_cache
def _names() -> _Names:
    return _Names()


@lru_cache
def _known_surnames() -> frozenset[str]:
    """Surnames that are nothing else, and the joining words before one."""
    return (_names().last - _names().last_words) | _JOINS


# --- words that introduce a name -------------------------------------------------------------------------------------
_TITLE = r"(?:\b(?:o|a|do|da|sr|sra|srta|dr|dra|prof|seu|sua|senhora?|dona)\b\.?[ ]{1,2}){0,3}"
_SURE = re.compile(  # a name follows, whatever it is
    r"\b(?:me\ chamo|me\ chama|(?:meu|o)\ nome\ (?:completo\ )?(?:e|eh)|nome\ (?:completo|do\ (?:cliente|titular|destinatario|comprador))\ ?:|nome\ ?:)[ ]{1,2}".replace(
        r"\ ", "[ ]{1,2}"
    )
    + _TITLE
)
_ROLE = (
    r"(?:porteir[oa]|zelador[a]?|sindic[oa]|vizinh[oa]|entregador[a]?|motorista|carteir[oa]|motoboy|atendente|vendedor[a]?|gerente|"
    r"consultor[a]?|supervisor[a]?|coordenador[a]?|diretor[a]?|analista|promotor[a]?|tecnic[oa]|funcionari[oa]|marido|espos[oa]|mulher|filh[oa]|net[oa]|irma|irmao|mae|pai|sogr[oa]|ti[oa]|prim[oa]|"
    r"namorad[oa]|noiv[oa]|amig[oa]|sobrinh[oa]|afilhad[oa]|cunhad[oa]|secretari[oa]|empregad[oa]|seguranca|recepcionista|"
    r"sr|sra|srta|dr|dra|dona|senhora?|seu|tal[ ]de|tal)"
)
_PERHAPS = re.compile(  # a name follows if it looks like one
    rf"(?:\b(?:sou(?:[ ][oa])?|aqui[ ](?:e|eh|quem[ ]fala[ ]e)[ ][oa]|quem[ ]fala[ ](?:e|eh)(?:[ ][oa])?|(?:fal(?:ar|ei|ou|em|a|e)|conversei|tratar)[ ](?:com|c/)|"
    rf"chama(?:r|m)?[ ](?:pel[oa]|por)|procurar?(?:[ ]por|[ ]pel[oa])?|(?:fui[ ])?atendid[oa][ ](?:por|pel[oa])|(?:em|no)[ ]nome[ ]d[eoa]|aos[ ]cuidados[ ]d[eoa]|"
    rf"recebid[oa][ ]por|assinad[oa][ ]por|quem[ ](?:recebeu|assinou|atendeu|pegou|comprou)[ ]foi(?:[ ][oa])?|chamad[oa]|se[ ]chama|de[ ]nome|"
    rf"comprador[a]?|titular|destinatari[oa]|cliente|responsavel|entreg(?:ue|uei|aram|ou)[ ](?:para|pra|pro|ao?)|"
    rf"(?:deix\w{{1,4}}|ficou|fica|entreg\w{{1,4}})[ ](?:n[ao][ ]\w{{1,12}}[ ])?com(?:[ ][oa])?|presente[ ](?:para|pra)[ ][oa]|nome|{_ROLE})(?:\b\.?|(?<=/))"
    rf"|\ba/c\b)(?:[ ]?[:,][ ]?|[ ]{{1,2}}(?:(?:e|eh|foi)[ ])?){_TITLE}"
)
_SELF = re.compile(  # a name follows if a capital sets it apart, whatever it is
    r"\b(?:sou[ ][oa]|aqui[ ](?:e|eh)[ ][oa]|quem[ ]fala[ ](?:e|eh)[ ][oa]|falo[ ]com[ ][oa])[ ]{1,2}"
)
_PLACES_OF_WORK = frozenset(
    "loja empresa central equipe gerencia diretoria assistente dona proprietaria proprietario mae pai esposa marido filha filho".split()
)
_SIGNED = re.compile(  # a name follows if it ends the text
    r"\b(?:att|atte|atenciosamente|at|ass|assinado|abs|abcs|abracos?|bjs|beijos|grat[oa]|obrigad[oa]|obg|cordialmente|sds|saudacoes)\b"
    rf"[ ]?[.,:;!-]{{0,3}}\s{{0,3}}{_TITLE}"
)
_NO_NAME = frozenset(
    """a o e as os um uma de da do em no na que nao sim esta estao estava foi era com sem por para pra pro mais muito muita meu minha seu sua
    nome cpf rg cnpj endereco telefone email sobrenome cliente produto pedido loja empresa site app central sac gerente vendedor
    vendedora atendente atendimento transportadora correios correio gente ninguem alguem todos todas voces vcs voce vc eles ela ele
    primeiro primeira segundo segunda terceira favor dono dona mesmo mesma errado errada certo bom boa otimo otima recomendo nota
    americanas submarino samsung magazine magalu amazon shopee mercado livre olist casas bahia extra natura boticario apple lojas shopping
    senhor senhora equipe aguardo obrigado obrigada brasil deus jesus reais aqui ali ainda ja so tudo nada ate depois antes
    responsavel suporte chat ouvidoria procon anatel financeiro logistica comprador titular vizinho porteiro favorito
    la ca agora hoje amanha cedo logo atencao ano anos dia dias vez vezes cor tamanho entrega prazo demorou chegou veio comprei quero queria""".split()
)
_THING_BEFORE = frozenset(
    """perfume colonia livro livros romance autor autora escritor escritora box colecao biografia marca oculos relogio bolsa tenis boneca
    bonecas sapato sapatos sandalia sandalias camisa camiseta cd dvd disco show cantor cantora banda serie filme maquiagem batom sao santo
    santa rua av avenida praca cidade hospital shopping colegio escola loja lojas magazine bairro editora biblia kit jogo cor capa tapete vestido super capitao bolo receita obra obras poemas poesia""".split()
)


def people(text: str, plain: str) -> Iterator[tuple[int, int]]:
    """Where names of people stand.

    Args:
        text: as written.
        plain: the same without accents, in lower case and of the same length; NUL where something was masked.
    """
    reader = _Reader(text, plain)
    end = 0
    for start, stop in sorted(reader.spans(), key=lambda span: (span[0], -span[1])):
        if start >= end:
            yield start, stop
            end = stop


class _Reader:
    """The words of one text, and how much its capital letters say."""

    def __init__(self, text: str, plain: str) -> None:
        self.text, self.plain = text, plain
        self.words = [match.span() for match in _WORD.finditer(plain)]
        self.folded = [plain[start:end] for start, end in self.words]
        self.at = {start: i for i, (start, _) in enumerate(self.words)}

    def spans(self) -> Iterator[tuple[int, int]]:
        for match in _SELF.finditer(self.plain):
            i = self.at.get(match.end())
            if (
                i is not None
                and self._capital(i)
                and self._begins(i, True, True)
                and self.folded[i] not in _PLACES_OF_WORK
            ):
                yield from self._name(i, True, cued=True)
        for cue, sure in ((_SURE, True), (_PERHAPS, False)):
            for match in cue.finditer(self.plain):
                if self.plain[max(0, match.start() - 6) : match.start()] == "nossa ":
                    continue  # Nossa Senhora Aparecida
                yield from self._name(
                    self.at.get(match.end()), sure and self._is_said(match.start(), match.end()), cued=True
                )
        for match in _SIGNED.finditer(self.plain):
            yield from self._signature(self.at.get(match.end()), self.plain[match.start()] == "a")
        i = 0
        while i < len(self.words):
            yield from self._two(i)
            i += max(1, self._no_person(i))

    def _signature(self, i: int | None, signed: bool) -> Iterator[tuple[int, int]]:
        """A name that ends the text or a line; after "att" or "ass" (``signed``) also one that no list has."""
        if i is None or self.folded[i] in _NO_NAME or self._no_person(i):
            return
        start, last = self.words[i][0], i
        while last + 1 < len(self.words) and last - i < 4 and self._follows(last + 1):
            last += 1
        end = self.words[last][1]
        ends = self.text[end : end + 4].strip(" .!,") == "" or self.text[end : end + 1] in "\r\n"
        named = self.folded[i] in _names().first or (signed and all(self._capital(j) for j in range(i, last + 1)))
        if ends and last - i < 4 and named and not any(self.folded[j] in _NO_NAME for j in range(i, last + 1)):
            yield start, end
        else:
            yield from ((a, b) for a, b in self._name(i, False, cued=True) if self.text[b : b + 1] in "\r\n.")

    def _is_said(self, start: int, end: int) -> bool:
        """False for "meu nome e CPF": an "e" without its accent may mean "and"."""
        said = self.text[start:end].split()
        return "nome" not in self.plain[start:end] or not any(word in ("e", "E") for word in said)

    def _two(self, i: int) -> Iterator[tuple[int, int]]:
        """A first name and a surname, without a cue."""
        names, word = _names(), self.folded[i]
        if word not in names.first or (word in names.first_words and not self._capital(i)):
            return
        if any(
            self.folded[j] in _THING_BEFORE for j in range(max(0, i - 2), i) if self.words[i][0] - self.words[j][1] < 12
        ):
            return
        if (
            i
            and self._capital(i - 1)
            and self._capital(i)
            and self._follows(i)
            and self.folded[i - 1] not in names.first
            and self.folded[i - 1] not in _NO_NAME
        ):
            before = self.plain[self.words[i - 1][0] - 2 : self.words[i - 1][0]]
            if before and before[-1:] == " " and before[:1] not in ".!?\n":
                return  # "Magazine Luiza …": the second word of a name of something else
        if word in names.first_words and self.folded[min(i + 1, len(self.words) - 1)] not in _known_surnames():
            return
        for start, end in self._name(i, False, cued=False):
            if end > self.words[i][1]:
                yield start, end

    def _name(self, i: int | None, sure: bool, cued: bool) -> Iterator[tuple[int, int]]:
        """The name that begins at word ``i``, if one does."""
        if i is None or self._no_person(i) or not self._begins(i, sure, cued):
            return
        last, j = i, i + 1
        while j < len(self.words) and j - i < _MOST_WORDS and self._follows(j):
            word = self.folded[j]
            if word in _JOINS:
                if (
                    j + 1 < len(self.words)
                    and self._follows(j + 1)
                    and (self._continues(j + 1, cued) if word != "e" else self._is_double_surname(j))
                ):
                    last, j = j + 1, j + 2
                    continue
                break
            if not self._continues(j, cued):
                break
            last, j = j, j + 1
        yield self.words[i][0], self.words[last][1]

    def _is_double_surname(self, j: int) -> bool:
        """Whether the "e" at ``j`` joins two surnames: Lins e Silva."""
        names = _names()
        surnames = self.folded[j - 1] in names.last and self.folded[j + 1] in names.last - names.last_words
        return surnames and (self._capital(j + 1) or self._shouted)

    def _begins(self, i: int, sure: bool, cued: bool) -> bool:
        names, word = _names(), self.folded[i]
        if word in _NO_NAME or len(word) < 2:
            return False
        if word in names.first:
            return word not in names.first_words or self._capital(i) or sure
        if sure:
            return True
        after = i + 1
        return (
            cued
            and self._capital(i)
            and after < len(self.words)
            and self._follows(after)
            and self._capital(after)
            and self.folded[after] in names.last
        )

    def _continues(self, i: int, cued: bool) -> bool:
        names, word = _names(), self.folded[i]
        more = cued and i + 1 < len(self.words) and self._follows(i + 1) and self.folded[i + 1] in names.last
        if word in _NO_NAME and not (word in names.last and (self._capital(i) or more)):
            return False
        if more and self._shouted and len(word) > 3 and self.folded[i + 1] not in names.last_words:
            return True  # "FRANCISCA EDILEUZA MONTEIRO"
        if len(word) == 1:  # an initial, with its point or before a surname
            pointed = self.plain[self.words[i][1] : self.words[i][1] + 1] == "."
            return (self._capital(i) or self._shouted) and (pointed or self._leads_to_surname(i))
        if word in names.last or (word[:2] in ("d'", "d’") and len(word) > 3):
            return word not in names.last_words or self._capital(i) or cued or self._shouted
        if word in names.first:
            return word not in names.first_words or cued or self._capital(i)
        return self._capital(i) and not (len(word) < 3 or (len(word) == 3 and self._written(i).isupper()))

    def _leads_to_surname(self, i: int) -> bool:
        """Whether initials from word ``i`` on end in a surname: Antonia K S Pinheiro."""
        after = next((j for j in range(i, min(i + 3, len(self.words))) if len(self.folded[j]) > 1), i)
        return all(self._follows(j) for j in range(i + 1, after + 1)) and self.folded[after] in _names().last

    def _no_person(self, i: int) -> int:
        """How many words from ``i`` on are the name of a brand, a book or a place; 0 if none are."""
        known = _names().not_people.get(self.folded[i], ())
        found = (len(words) for words in known if self.folded[i : i + len(words)] == words)
        return max((n for n in found if not self._surname_after(i + n)), default=0)

    def _surname_after(self, i: int) -> bool:
        """Whether word ``i`` goes on as a surname, so that what was before is a name: Vitória Régia Camargo."""
        known = i < len(self.words) and self.folded[i] in _known_surnames() - _JOINS
        return known and self._follows(i) and self._capital(i)

    def _written(self, i: int) -> str:
        start, end = self.words[i]
        return self.text[start:end]

    def _follows(self, i: int) -> bool:
        """Whether only spaces (or an initial's point) part word ``i`` from the one before."""
        between = self.plain[self.words[i - 1][1] : self.words[i][0]]
        initial = self.words[i - 1][1] - self.words[i - 1][0] == 1
        return len(between) <= 3 and between.replace("." if initial else " ", "").strip(" ") == ""

    def _capital(self, i: int) -> bool:
        """Whether a capital letter sets word ``i`` apart from its text."""
        word = self._written(i)
        if not word[:1].isupper() or self._titled:
            return False
        return not self._shouted if word.isupper() and len(word) > 1 else True

    @cached_property
    def _shouted(self) -> bool:
        """Whether the text is written in capitals."""
        upper = sum(c.isupper() for c in self.text)
        return upper > 0.6 * (upper + sum(c.islower() for c in self.text))

    @cached_property
    def _titled(self) -> bool:
        """Whether The Text Has A Capital At Each Word."""
        words = [self.text[start:end] for start, end in self.words]
        return len(words) >= 6 and sum(w[0].isupper() and not w.isupper() for w in words) > 0.7 * len(words)
