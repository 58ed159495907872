"""What raters may score beside the overall score, for the tasks whose quality has several sides."""

from rewards.types import Criterion, Text

INSIGHTS = (
    Criterion(
        "figures",
        Text("Figures", "Números"),
        Text("Every figure it names stands in the question.", "Todo número que cita está na pergunta."),
    ),
    Criterion(
        "action",
        Text("Action", "Ação"),
        Text("It says who should do what.", "Diz quem deve fazer o quê."),
    ),
    Criterion(
        "structure",
        Text("Structure", "Estrutura"),
        Text("It can be read in a minute: headings, short points.", "Lê-se em um minuto: títulos, pontos curtos."),
    ),
)
PUSH = (
    Criterion(
        "brief",
        Text("On the brief", "No pedido"),
        Text(
            "It is about what was asked for, and promises nothing else.",
            "Trata do que foi pedido e não promete nada além.",
        ),
    ),
    Criterion(
        "inviting",
        Text("Inviting", "Convidativa"),
        Text("It gives a reason to open it now.", "Dá um motivo para abrir agora."),
    ),
    Criterion(
        "language",
        Text("Language", "Linguagem"),
        Text("Natural Portuguese, in the tone of a shop.", "Português natural, no tom de uma loja."),
    ),
)
