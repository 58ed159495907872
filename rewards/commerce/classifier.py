"""The classifier for prompts that carry no label.

Prompts normally carry their task; the classifier is for imports and production traffic. Its order matters: insights
is checked before push, because "plano de reengajamento" in an analysis request once caused 500-word analyses to be
scored as 120-character notifications for an unknown number of training steps (final report §7, "The Ugly").
"""

import re

from rewards.text import fold

TASKS = ("extraction", "sql_qa", "insights", "push")

# Each pattern reads folded text (lower case, no accents). Gaps are bounded, so that matching stays linear.
_EXTRACTION = (
    r"\bjson\b",
    r"\b(?:sentiment_score|churn_risk|\w+_issue|main_complaint|complaint_category|repeat_intent|would_recommend)\b",
    r"\b(?:extrai|extrair|extraia|extracao|extraindo)\b(?! (?:o |a |os |as |uns |alguns )?(?:total|media|numero|valor|"
    r"faturamento|receita|quantidade|relatorio|insights?|vendas|recomendac\w+|licoes|oportunidades)\b)",
    r"\b(?:detect|identifi|verifi|apont|marqu)\w* .{0,50}\b(?:n[ao]|d[ao]|(?:ness|nest|dess|dest)[ae]) "
    r"(?:review|avaliacao|comentario|resenha|depoimento)\b",
    r"\b10 campos\b|\bdez campos\b",
    r"\b(?:classifi|identifi|preench|estrutur|retorn|devolv|analis|avali|detect|marqu)\w* .{0,60}"
    r"\b(?:sentimento|churn|campos|sentiment|main_complaint)\b(?! dos| das| por)",
    r"\b(?:sentimento|risco de churn|categoria d[ae] reclamacao)\b.{0,60}\b(?:d?ess[ae]|d?est[ae]|seguinte|abaixo)\b",
    r"\b(?:analis|classifi|process|transform|convert)\w* (?:\w+ )?(?:ess[ae]|est[ae]|[ao] seguinte|[ao]) "
    r"(?:review|avaliacao|comentario|feedback|resenha|opiniao|depoimento)\b",
    r"\bsentimento\b.{0,30}:",
    r"^\W{0,3}(?:avaliacao|review|comentario)(?: d[oae] cliente)? ?(?:\(|:|\n).{0,40}\bnota\b",
    r"\bnota ?[:=]? ?[1-5] ?/ ?5\b",
)
_SQL = (
    r"\bsql\b|\bquery\b|\bqueries\b|\bselect\b|\bbanco de dados\b|\borders_enriched\b|\btabelas?\b.{0,30}\bpedidos\b",
    r"\bconsulta(?:s)? (?:que|para|no|na|pra|retorn)|\b(?:escrev|mont|faz|faca|ger|cri)\w* (?:a|uma|umas|essa)? ?consulta",
    r"\bquant[oa]s?\b(?!.{0,60}\b(?:caracteres|letras|toques)\b)",
    r"\bqua(?:l|is)\b.{0,25}\b(?:total|media|medio|media|mediana|numero|valor|quantidade|percentual|porcentagem|taxa|"
    r"faturamento|receita|ticket|soma|maior|menor|melhor|pior|mais|menos|top|ranking|prazo|tempo|lucro|frete)\b",
    r"\b(?:saber|sabe|diga|levantar|ver|informe|informa|apurar|apure|consultar|descobrir|tirar|extrair|calcular|quero|"
    r"preciso)\b.{0,40}\b(?:total|media|medio|numero|quantidade|percentual|porcentagem|taxa|faturamento|receita|ticket|"
    r"soma|ranking|primeiro lugar)\b(?!.{0,30}\b(?:insight|recomenda|estrateg|plano|push))",
    r"\b[0-9]+ (?:estados|categorias|vendedores|meses|produtos|clientes|formas de pagamento) (?:com|que|no topo|em|mais|de maior)\b",
    r"\bqua(?:l|is) (?:o |a |os |as )?(?:\w+ ){0,2}(?:teve|tem|tiveram|vendeu|venderam|atras|fatur|receb|concentr)",
    r"\b(?:liste|lista|listar|mostre|mostra|traga|traz|calcule|calcula|some|conte|conta|retorne|me da|me de|puxa|"
    r"puxe|levanta|levante|compare|compara) (?:pra mim |para mim |ai |me )?(?:o|a|os|as|um|uma|todos|todas|quant|top|"
    r"[0-9]+)\b(?!.{0,30}\b(?:insight|recomenda|estrateg|acoes|oportunidade))",
    r"\btop ?[0-9]+\b|\branking\b|^\W{0,3}(?:total|soma|quantidade|numero|media|percentual) d[eoa]s?\b",
    r"\b(?:media|total|soma|numero|percentual|faturamento|receita) (?:de|do|da|dos|das) .{0,60}\bpor "
    r"(?:estado|categoria|mes|regiao|vendedor|uf|produto|ano|dia|cliente)\b\W{0,3}$",
)
_INSIGHTS = (
    r"\binsights?\b|\bdiagnostico\b|\bswot\b",
    r"\b(?:analise|analisa|analisar|analises|interprete|interpreta|avalie|avalia|examine|examina|estude|estuda|"
    r"explique|explica|entenda|investigue|investiga|discuta|comente|resuma|aponte|aponta)\b(?!.{0,25}\bpush\b)",
    r"\b(?:plano|planos|estrategia|estrategias|relatorio|parecer|recomendac\w+|recomende|recomenda|proposta|"
    r"roteiro|roadmap|sumario)\b",
    r"\b(?:suger|sugir|propon|propor)\w* .{0,50}\b(?:acoes|acao|melhoria|medida|estrateg|iniciativa|caminho|ideia|"
    r"plano|mudanca|como)\w*",
    r"\bcomo (?:\w+ ){0,4}(?:melhorar|reduzir|aumentar|reter|recuperar|reverter|crescer|resolver|diminuir|vender|"
    r"fidelizar|reengajar|otimizar|evitar)\b",
    r"\b(?:por ?que|porque|pq|motivos?|causas?)\b.{0,60}\b(?:ca\w+|subi\w*|aument\w+|reclam\w+|cancel\w+|atras\w+|"
    r"desist\w+|nao volt\w+|vend\w+|pior\w+)",
    r"\bo que (?:\w+ ){0,4}(?:fazer|faria|recomenda|sugere|mostra|mostram|dizem|significa|indicam|explica)\b",
    r"\bmedidas\b|\biniciativas\b|\bdecis(?:ao|oes)\b|\boportunidades?\b|\btendencias?\b|\bgargalos?\b|\bpontos? (?:fortes?|fracos?|de melhoria)\b|\bprioridades?\b",
)
_PUSH = (
    r"\bpush\b|\bnotificac\w+\b|\bnotifica\b|\bnotif\b",
    r"\b(?:120|cento e vinte|140|100|80) (?:caracteres|toques|letras)\b|\bcaracteres\b",
    r"\b(?:mensagem|msg|mensagenzinha|texto|textinho|aviso|alerta|chamada|lembrete|frase|recado)\b.{0,40}"
    r"\b(?:app|aplicativo|celular|curt\w+|rapid\w+|carrinho|inativ\w+|cliente\w*|promoc\w+|cupom|sumid\w+)",
    r"\breengaj\w+|\bcarrinho abandonado\b|\breativ\w+",
    r"\b(?:cria|crie|escreva|escreve|faz|faca|manda|mande|gera|gere|bola|bole|monta|monte|redija)\b.{0,40}"
    r"\b(?:mensagem|msg|chamada|lembrete|aviso|alerta|texto|textinho|recado)",
)

# A direct order for a push decides where nothing else is asked for: "crie um push" is push even if the brief says why sales
# fell. Where an analysis or a query is asked for too, the order of the tasks decides ("analise as vendas e crie um push" is
# insights), as it does everywhere.
_PUSH_ORDER = re.compile(
    r"\b(?:cria|crie|criar|escreva|escreve|escrever|faz|faca|fazer|manda|mande|mandar|gera|gere|gerar|bola|bole|"
    r"monta|monte|redija|redige|quero|preciso|envia|envie|dispara|dispare|produza|me da|me de|solta|prepara|prepare|elabore)\b"
    r"(?: \w+){0,3} (?:push|notificac\w+|notif)\b(?! (?:strategy|estrateg))"
)

_PUSH_CONTENT = re.compile(r'"[^"]{0,300}"|“[^”]{0,300}”|\b(?:push|notificac\w+|notif)\b[^.:\n]{0,120}:[^.\n]{0,300}')
"""What a push shall say: quoted, or after a colon."""
_ANALYSIS = (
    r"(?:analise|plano|estrategia|relatorio|diagnostico|insights?|parecer|swot|recomendac\w+|propostas?|sugestoes)\b"
)
_ANALYSIS_ASKED = re.compile(
    r"(?:^|[.;!?\n,:]\s{0,3}|\b(?:e|depois|tambem|primeiro|entao|pode|poderia|favor|que voce|quero que|preciso que) )"
    r"(?:me )?(?:analise|analisa|analisar|avalie|interprete|interpreta|examine|estude|explique|explica|investigue|discuta|comente|resuma|"
    r"aponte|diagnostique|recomende|sugira|proponha)\b"
    r"|\b(?:monte|monta|crie|cria|faca|faz|escreva|escreve|elabore|prepare|quero|preciso|gere|gera|traga|de|produza|com base)\b"
    rf"(?: (?!push|notif|mensagem|msg)\w+){{0,4}} {_ANALYSIS}"
    rf"|\be (?:tambem )?(?:de )?(?:um|uma|umas|uns|me de|as?|os?) {_ANALYSIS}|\b(?:insights|diagnostico) (?:e|com|mais)\b"
    r"|\b(?:por ?que|como|o que|onde)\b[^.!?\n]{3,120}\?"
)
_QUERY_ASKED = re.compile(r"\b(?:quant[oa]s?|qua(?:l|is))\b[^.!?\n]{3,120}\?|\b(?:consulta|query|sql)\b")
_PUSH_NAMED = re.compile(_PUSH[0])
_ADVICE = re.compile(
    r"\b(?:quant[oa]s?|qua(?:l|is))\b.{0,60}\b(?:devo|devemos|deveria\w*|devia\w*|vale a pena|compensa|convem)\b", re.S
)
"""A question for a decision, which no query answers: "quanto devo investir em frete grátis para reter clientes"."""
_SQL_NAMED = re.compile(_SQL[0])

_ORDER = tuple(
    (task, re.compile("|".join(f"(?:{p})" for p in patterns), re.S | re.M))
    for task, patterns in zip(TASKS, (_EXTRACTION, _SQL, _INSIGHTS, _PUSH), strict=True)
)
_QUESTION = re.compile(
    r"^\W{0,3}(?:quem|onde|quando|em que|em qual|qua(?:l|is)|existe\w*|tem|ha|temos)\b.{3,200}\?\W{0,3}$", re.S
)
_READ = 4_000


def classify_task(user_text: str) -> str:
    """The task a user's prompt asks for; accents and case do not matter.

    The tasks are checked in the order of ``TASKS``. A direct order for a push ("crie uma notificação…") is push where it is
    the only thing asked for. A text that matches no task is SQL Q&A if it is a plain question. Otherwise it is insights,
    because a wrong insights reward does the least harm.
    """
    text = fold(user_text[:_READ])
    asked = _PUSH_CONTENT.sub(" ", text)
    ordered, analysis = bool(_PUSH_ORDER.search(text)), bool(_PUSH_NAMED.search(text) and _ANALYSIS_ASKED.search(asked))
    if ordered and not _ORDER[0][1].search(text) and not analysis and not _QUERY_ASKED.search(asked):
        return "push"
    advice = _ADVICE.search(text) and not _SQL_NAMED.search(text)
    for task, pattern in _ORDER:
        if task == "sql_qa" and (advice or (ordered and not _QUERY_ASKED.search(asked))):
            continue
        if pattern.search(text) or (task == "insights" and (analysis or advice)):
            return task
    return "sql_qa" if _QUESTION.search(text) else "insights"
