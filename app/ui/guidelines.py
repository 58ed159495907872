"""What raters are asked to judge, per task, with anchors for 1, 3 and 5. The same text is in docs/annotators.md."""

from dataclasses import dataclass

from app.ui.language import t


@dataclass(frozen=True)
class Guideline:
    """The question a rater answers, and what a 1, a 3 and a 5 look like."""

    question: str
    one: str
    three: str
    five: str


def guideline(task: str) -> Guideline:
    """The guideline of a task in the chosen language; a general one for a task of your own."""
    return _guidelines().get(task) or Guideline(
        t("Would you send this answer to the user as it is?", "Você enviaria esta resposta ao usuário como está?"),
        t("Useless or wrong.", "Inútil ou errada."),
        t("Usable after correction.", "Aproveitável depois de correção."),
        t("Send it as it is.", "Pode enviar como está."),
    )


def _guidelines() -> dict[str, Guideline]:
    return {
        "extraction": Guideline(
            t(
                "Could a system store this record without a person looking at it?",
                "Um sistema poderia gravar este registro sem uma pessoa conferir?",
            ),
            t("No object, or most of it wrong or missing.", "Sem objeto, ou quase tudo errado ou faltando."),
            t(
                "All ten fields, but several of the wrong kind (text for true/false) or untrue.",
                "Os dez campos, mas vários do tipo errado (texto no lugar de true/false) ou falsos.",
            ),
            t(
                "All ten fields, right kinds, and true to the review.",
                "Os dez campos, tipos certos e fiéis à avaliação.",
            ),
        ),
        "sql_qa": Guideline(
            t(
                "Does it answer the question with a query that would run?",
                "Responde à pergunta com uma consulta que roda?",
            ),
            t("No query and no answer.", "Sem consulta e sem resposta."),
            t("A query with an error, or an answer without a query.", "Consulta com erro, ou resposta sem consulta."),
            t(
                "A right query and a short explanation with numbers.",
                "Consulta certa e uma explicação curta com números.",
            ),
        ),
        "insights": Guideline(
            t("Could a manager act on this on Monday?", "Um gestor poderia agir com isto na segunda-feira?"),
            t("Broken, repeated or about nothing.", "Quebrado, repetido ou sobre nada."),
            t("True remarks, but no clear action.", "Observações verdadeiras, mas sem ação clara."),
            t(
                "Clear structure, concrete actions that fit the figures.",
                "Estrutura clara, ações concretas que cabem nos números.",
            ),
        ),
        "push": Guideline(
            t("Would you send this to a customer's phone?", "Você mandaria isto para o celular de um cliente?"),
            t(
                "Not a notification: long, formal or about notifications.",
                "Não é notificação: longa, formal ou sobre notificações.",
            ),
            t("Short enough, but generic or off the brief.", "Curta, mas genérica ou fora do pedido."),
            t("Short, inviting, and on the brief.", "Curta, convidativa e dentro do pedido."),
        ),
    }
