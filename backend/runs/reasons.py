"""Why a run stands as it does, in Portuguese too. It is stored in English, as terminals and files say it.

What the workbench itself says is put into Portuguese phrase by phrase; what it quotes (an error, a log) stays as it is.
"""

import re
from collections.abc import Iterable
from typing import Any

from backend.training.checks import Check
from backend.training.stop_rules import default_rules
from backend.wording import Text

_LOG = "\nLast lines of its log:\n"
_PHRASES = (
    (r"^all (\d+) steps; best at step (\d+)", r"todos os \1 passos; melhor no passo \2"),
    (r"^no gain in (\d+) evaluations; best at step (\d+)", r"sem ganho em \1 avaliações; melhor no passo \2"),
    (r"^(\d+) seeds$", r"\1 sementes"),
    (r"(\d+) of (\d+) runs have finished", r"\1 de \2 treinos terminaram"),
    (r", (\d+) stopped by the median rule", r", \1 parado(s) pela regra da mediana"),
    (
        r"^stopped by the median rule at step (\d+): its best mean reward, ([\d.-]+), is below ([\d.-]+), the median of what "
        r"(\d+) others had on average by then",
        r"parado pela regra da mediana no passo \1: sua melhor recompensa média, \2, está abaixo de \3, a mediana do que "
        r"\4 outros tinham em média até ali",
    ),
    (r"^stopped by (SIG\w+): ", r"parado por \1: "),
    (r"^the budget is used up: ", "o orçamento acabou: "),
    (
        r"(`run_training\.py --resume \S+ --hours …`) \(or --dollars\) goes on with a larger one",
        r"\1 (ou --dollars) continua com um maior",
    ),
    (r" of (?=[\d.]+ (?:s|min|h) and \$|\$[\d.]+ used)", " de "),
    (r"; (\d\S* \w+(?: de \S+ \w+)?) and (\$\S+(?: de \$\S+)?) used", r"; \1 e \2 usados"),
    (r"stopped by the rule ", "parado pela regra "),
    (r"stopped by (SIG\w+) at step (\d+)", r"parado por \1 no passo \2"),
    (r"stopped by (\S+) before it could write a checkpoint", r"parado por \1 antes de gravar um checkpoint"),
    (r"stopped by (\S+) before it began", r"parado por \1 antes de começar"),
    (r"stopped by (\S+) before (\S+)$", r"parado por \1 antes de \2"),
    (
        r"stopped by (\S+) outside of training; what was under way is done again on resume",
        r"parado a pedido (\1) fora do treino; o que estava em andamento é refeito ao continuar",
    ),
    (
        r"rolled back to the last whole checkpoint, of step (\d+)",
        r"voltou ao último checkpoint completo, do passo \1",
    ),
    (r"rolled back to its start, for it has no checkpoint yet", "voltou ao início, pois ainda não há checkpoint"),
    (r"Nothing of the broken step was kept\.", "Nada do passo quebrado foi guardado."),
    (
        r"Resume goes on from (?:there|the last whole checkpoint); if it happens again, start a new run with a lower "
        r"learning_rate",
        "Continuar parte do último checkpoint completo; se acontecer de novo, inicie um treino com learning_rate menor",
    ),
    (r"started on (\S+); it waits for its turn there", r"iniciado em \1; espera sua vez ali"),
    (r"^taken out of the queue$", "tirado da fila"),
    (r"^killed on request", "morto a pedido"),
    (r"^stop requested; it ends at the next step$", "parada pedida; termina no próximo passo"),
    (r"^end requested; (\S+) carries it out$", r"fim pedido; \1 o executa"),
    (r"^stop requested; (\S+) carries it out$", r"parada pedida; \1 a executa"),
    (
        r"^stop requested in its folder; if it runs in a copy, it does not see that: stop it there$",
        "parada pedida na pasta; se ele roda numa cópia, não vê isso: pare-o lá",
    ),
    (r"^given up on request: silent since (.+) on ", r"abandonado a pedido: em silêncio desde \1 em "),
    (r"^it gave up waiting for its turn$", "desistiu de esperar a vez"),
    (r"its process died$", "o processo morreu"),
    (r"its machine or container was started anew", "a máquina ou o contêiner foi iniciado de novo"),
    (
        r"out of GPU memory: lower (.+) or (\w+), then resume",
        r"sem memória da GPU: reduza \1 ou \2 e continue",
    ),
    (r"out of main memory: lower (\w+) or (\w+), then resume", r"sem memória principal: reduza \1 ou \2 e continue"),
    (
        r"the disk is full: free some space \(old checkpoints\), then resume",
        "o disco está cheio: libere espaço (checkpoints velhos) e continue",
    ),
    (
        r"the model's probabilities are no numbers \(inf or nan\): its weights broke in a step before\.",
        "as probabilidades do modelo não são números (inf ou nan): os pesos se quebraram num passo anterior.",
    ),
    (
        r"the GPU or its driver reported an error; the log says which\. Resume; if it comes back, look at the machine",
        "a GPU ou o driver relatou um erro; o registro diz qual. Continue; se voltar, examine a máquina",
    ),
    (r"it ended with exit code 0 and did not say how", "terminou com código 0 e não disse como"),
    (r"it ended with exit code (\d+)", r"terminou com código \1"),
    (
        r"its process is gone and nobody saw how: killed, or the machine was switched off",
        "o processo sumiu e ninguém viu como: foi morto, ou a máquina foi desligada",
    ),
    (
        r"killed \(SIGKILL\): by somebody, or by the system because main memory ran out",
        "morto (SIGKILL): por alguém, ou pelo sistema porque a memória acabou",
    ),
    (r"killed by (SIG\w+|signal \d+)", r"morto por \1"),
    (r"^preflight failed: ", "a verificação falhou: "),
    (
        r"Mend it, or say why to train all the same: --set override_reason='\.\.\.'$",
        "Corrija, ou diga por que treinar mesmo assim, em Treinar",
    ),
    (
        r"its folder (.+) was deleted, moved or emptied while it ran: configuration, prompts and log were written again; "
        r"checkpoints, curves and evaluations that were only there are lost",
        r"a pasta \1 foi apagada, movida ou esvaziada durante o treino: configuração, prompts e registro foram regravados; "
        r"checkpoints, curvas e avaliações que só estavam lá se perderam",
    ),
)
_NUMBERS = (
    (r" at step (\d+):", r" no passo \1:"),
    (r"(\S+) at least ([\d.]+) for (\d+) steps", r"\1 no mínimo \2 por \3 passos"),
    (r"at most (\S+) distinct in (\d+) steps", r"no máximo \1 distintas em \2 passos"),
    (r"([\d.]+) at the start, ([\d.]+) now", r"\1 no início, \2 agora"),
    (r"([\d.]+) to ([\d.]+) GB", r"\1 a \2 GB"),
    (r"([\d.]+) GB free", r"\1 GB livres"),
    (
        r"mean completion length within 5 % of the ceiling of (\d+) tokens",
        r"tamanho médio das respostas a 5 % do teto de \1 tokens",
    ),
    (r" below ([\d.]+) after step (\d+)", r" abaixo de \1 após o passo \2"),
    (r"mean length ([\d.]+)", r"tamanho médio \1"),
    (r"(\S+) rises by ([\d.]+), (\d+) others fall", r"\1 sobe \2, \3 outros caem"),
    (r"since step (\d+):", r"desde o passo \1:"),
)


def reason_words(reason: str, checks: Iterable[Check] = ()) -> Text:
    """A run's reason, in each language; ``checks`` are those of its preflight, where that may be the reason."""
    said, log, lines = reason.partition(_LOG)
    for c in checks:
        said = said.replace(f"{c.name}: {c.found.en}", f"{c.label.pt}: {c.found.pt}")
    portuguese = firing_words(_replaced(said, _PHRASES))
    return Text(reason, portuguese.pt + (f"\nÚltimas linhas do registro:\n{lines}" if log else ""))


def firing_words(what: str) -> Text:
    """A firing of a stop rule as ``watch.json`` has it, in each language."""
    if re.search(r" at step \d+: ", what) is None:
        return Text(what, what)
    portuguese = what
    for rule in default_rules(0, {}):
        portuguese = portuguese.replace(rule.what.en, rule.what.pt)
    return Text(what, _replaced(portuguese, _NUMBERS))


def _replaced(text: str, phrases: Any) -> str:
    for pattern, portuguese in phrases:
        text = re.sub(pattern, portuguese, text)
    return text
