"""The Portuguese word lists that the rewards use. All entries are folded: lower case, no accents.

A list is part of the reward's behaviour: editing one changes the fingerprint of every profile that reads it.
"""

# --- extraction -------------------------------------------------------------------------------------------------
SENTIMENTS = {
    "positivo": "positivo",
    "positive": "positivo",
    "negativo": "negativo",
    "negative": "negativo",
    "neutro": "neutro",
    "neutral": "neutro",
}
COMPLAINT_CATEGORIES = frozenset({"entrega", "produto", "vendedor", "preco", "atendimento", "outro", "nenhuma"})

# --- SQL Q&A ----------------------------------------------------------------------------------------------------
# The first ten are v4.2's list; v4.2.1 added the other twenty (final report §3, hotfixes).
BUSINESS_WORDS = tuple(
    (
        "venda pedido cliente produto receita preco entrega categoria pagamento avaliacao "
        "faturamento lucro margem ticket frete prazo atraso estoque vendedor nota "
        "satisfacao reclamacao devolucao cancelamento parcela regiao estado crescimento demanda conversao"
    ).split()
)
SQL_KEYWORDS = (
    "SELECT FROM WHERE JOIN GROUP ORDER HAVING LIMIT WITH UNION DISTINCT CASE OVER COUNT SUM AVG MIN MAX".split()
)
# Words that cannot be a column or a table: they show that "select … from …" is part of a sentence.
SQL_PROSE = frozenset(
    "para com que uma um de da do das dos em na no ou se por como depois ou voce clausula comando".split()
)

# --- insights ---------------------------------------------------------------------------------------------------
# One stem per entry; ``|`` separates two spellings of one stem.
ACTION_STEMS = (
    "recomend",
    "melhor",
    "implement",
    "otimiz",
    "reduz",
    "aument",
    "prioriz",
    "invest",
    "monitor",
    "foc",
    "crie|criar",
    "ofere",
)
INSIGHT_DOMAIN = ("cliente", "produto", "venda", "pedido", "entrega", "loja", "mercado")

# --- push -------------------------------------------------------------------------------------------------------
# Function words that are Portuguese and not English ("no", "do", "as" and "a" are both, so they are left out).
PORTUGUESE_WORDS = frozenset(
    (
        "de da dos das para pra com seu sua seus suas voce em que uma um nao na nos nas ao aos pelo pela "
        "por mais so ja hoje agora ate e os esta este essa esse sem tem vai quem onde quando"
    ).split()
)
IMPERATIVES = frozenset(
    (
        "aproveite aproveita compre garanta peca corra corre vem venha volte volta conheca descubra "
        "experimente resgate use ganhe leve economize clique toque veja olha escolha renove finalize complete "
        "avalie confira pegue receba surpreenda presenteie"
    ).split()
)
OFFER_WORDS = frozenset(
    "desconto descontos off gratis cupom promocao brinde cashback oferta ofertas liquidacao".split()
)
STOCK_PHRASES = (
    "confira nossas ofertas",
    "confira as nossas ofertas",
    "confira nossas novidades",
    "confira nossos produtos",
    "temos novidades para voce",
    "temos ofertas para voce",
    "aproveite nossas ofertas",
    "aproveite nossas promocoes",
    "nao perca",
    "clique aqui",
    "visite nossa loja",
    "acesse nosso site",
    "saiba mais",
)
FORMAL_WORDS = ("prezad", "atenciosamente", "cordialmente", "venho por meio")
