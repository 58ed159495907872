"""The word lists of the second edition. All entries are folded: lower case, no accents; ``*`` ends a stem."""

STATES = {
    "ac": "acre",
    "al": "alagoas",
    "am": "amazonas",
    "ap": "amapa",
    "ba": "bahia",
    "ce": "ceara",
    "df": "distrito federal",
    "es": "espirito santo",
    "go": "goias",
    "ma": "maranhao",
    "mg": "minas gerais",
    "ms": "mato grosso do sul",
    "mt": "mato grosso",
    "pa": "para",
    "pb": "paraiba",
    "pe": "pernambuco",
    "pi": "piaui",
    "pr": "parana",
    "rj": "rio de janeiro",
    "rn": "rio grande do norte",
    "ro": "rondonia",
    "rr": "roraima",
    "rs": "rio grande do sul",
    "sc": "santa catarina",
    "se": "sergipe",
    "sp": "sao paulo",
    "to": "tocantins",
}

NOUNS = frozenset(
    """frete fretes cupom cupons desconto descontos atraso atrasos pedido pedidos entrega entregas livro livros beleza saude moda mesa
    banho cama aniversario aniversarios carrinho carrinhos estoque unidade unidades compra compras loja lojas nota notas cliente
    clientes produto produtos semana semanas fim domingo telefonia informatica brinquedo brinquedos eletrodomesticos eletronicos moveis
    decoracao esporte lazer utilidades papelaria perfumaria ferramentas bebes faturamento receita vendas venda avaliacao avaliacoes
    mercado estado estados preco precos prazo prazos transportadora transportadoras fornecedor fornecedores
    vendedor vendedores satisfacao reclamacao reclamacoes parcela parcelas vezes juros item itens lista desejos colecao lancamento
    novidade novidades oferta ofertas promocao promocoes notificacao mensagem mensagens hora horas dia dias mes meses troca trocas
    cashback retirada convite publico segmento campanha qualidade atendimento embalagem foto fotos fidelidade programa aviso avisos
    app apps periodo desempenho experiencia numeros pontos plano acao acoes resultado resultados problema problemas causa causas motivo
    presente presentes surpresa pet gato cachorro celular celulares roupa roupas vestido tenis notebook geladeira cozinha casa sala
    leitura leitor ticket custo custos contrato logistica time equipe site pagina cidade cidades interior regiao regioes centro
    consulta percentual ranking espaco""".split()
)
"""Nouns that stand before another word only with something between: a preposition, a verb, a comma."""

# --- insights ---------------------------------------------------------------------------------------------------
FIGURES = {
    "pedido": "pedid* compr* venda* vend* cliente* volume unidade*",
    "faturamento": "fatur* receita* venda* vend* gir* ganh*",
    "nota": "nota* avalia* satisf* media estrela*",
    "atraso": "atras* prazo* entreg* logist* pontual* demor*",
    "negativa": "negativ* insatisf* reclam* avalia* ruim ruins critica* descontent*",
    "frete": "frete* envio* custo* transport*",
}
"""What a figure is called in a prompt -> how a text may speak of it."""

DRAWS = """porque pois portanto assim logo explica* indica* mostra* significa* sugere* prejudic* afet* pesa* leva* gera* caus* result*
acima abaixo alto alta altos altas baixo baixa baixos baixas apenas metade critico critica risco* perd* oportunidade* inaceitavel*
mas porem enquanto apesar embora saudavel* bom boa bons ruim ruins fraco fraca fort* grave* compromet* derrub* aliment* reflet*
revela* aponta* equivale* supera* folga espaco principal maior menor pior melhor frustr* insatisf* satisfeit* preocup* quase mais
consequencia* motivo* causa* dependen* limita* afasta* encarec* sinal* excelente* solid* aparec* cerca umas uns""".split()
"""Words with which a sentence says what a figure means."""

GOALS = "melhorar reduzir aumentar diminuir baixar otimizar elevar subir ampliar".split()
"""Verbs that name a goal; with only a measure after them they say nothing of how."""

ACTIONS = """recomend* suger* sugir* implement* prioriz* invest* monitor* cri* ofere* negoci* renegoci* test* troc* avis* revis* rever
contrat* envi* mand* lig* entrar entreh entregar respond* acompanh* medir meca med* concentr* divid* suspend* corrig* trein* ajust* lanc* mont* defin*
revej* estabele* cobr* exig* inclu* colo* adot* fech* abr* promov* segment* convid* ped* peca auditar audit* melhor* reduz* aument*
otimiz* diminu* elev* ampli* comec* comprar vend* divulg* pag* dar deh destac* publi* cadastr* organiz* estud* investig* consolid*
prom* refor* estend* persuad* ativ* reativ* agend* combin* substitu* mant* cort* garant* fazer faca analis* mape* separ* mud* us* limit*
atualiz* configur* mostr* inform* compens* devolv* elimin* simplific* antecip* desenvolv* estrutur* realiz* criar execut* descontinu*
arrum* registr* recalcul* ler leia bloque* descubra descobrir pesquis* alivi* repass* subsidi* bonific* premi* estimul* incentiv* fidel* facilit* baix* tir* retir* aplic* unific* padroniz* entend* identif*""".split()

TOPICS = """entreg* prazo* frete* transport* operador* logist* client* avalia* nota* prec* cupo* cupon* desconto* troca* estoque* site
pagina* fornecedor* vendedor* atend* embal* produto* campanh* ticket kit* combo* livr* e-mail email mensag* whatsapp sms pont* retirad*
contrato* rota* multa* foto* descri* medida* tamanho* pecas devolu* recompra* compra* pedido* fidel* programa* atras* reclam* sac
pagament* parcel* sort* categor* regi* estad* cidad* interior capital meta* semana* mes meses trimestre dias equipe time loja* margem
custo* volume* anunci* vitrine* assinat* segmento* pesquisa* ofert* promo* concorr* galp* deposito* centro* distribui* rastre* chat
marca* qualid* defeit* garanti* lancament* colec* parceir* parceri* conteudo* busca* checkout carrinh* minimo*""".split()

MEASURES_TAKEN = """aviso avisos contrato reforco checagem painel selo lacre operador transportadora agendamento lembrete lembretes campanha programa kit
kits combo combos e-book pesquisa auditoria revisao treinamento negociacao renegociacao monitoramento frete cupom vale desconto teste piloto registro
estoque data-limite expedicao sequencia retirada acompanhamento guia garantia troca mensagem mensagens contato retorno ligacao mutirao parceria
assinatura embalagem rota central tabela multa bonus meta resposta respostas vitrine rastreio recompra previsao prazo fotos descricao segunda""".split()
"""Nouns that name a measure to take: "Segunda transportadora nas rotas piores"."""
DONE_TO = {  # what one does -> what it can be done to; the first or second thing named is one of them
    "negoci* renegoci*": "prazo* contrat* frete* custo* prec* tabela* fornecedor* transport* multa* volume malha logist* vendedor* acordo* "
    "condic* desconto* parceri* parcel* operador* taxa* sla envio*",
    "med* meca monitor* acompanh* analis* avali* compar*": "atras* prazo* nota* satisf* vend* entreg* result* custo* taxa* recompra reclam* avali* "
    "margem ticket* frete* pedido* indicador* efeito impacto convers* cada semana* meta* motivo* causa* transport* client* desempenho devol* troca* "
    "estoque* vendedor* produto* faturamento pontual* numero* dados quanto quantos rota* categor* regi* cidad*",
    "contrat*": "transport* operador* fornecedor* equipe pesso* parceir* atend* suporte* logist* entreg* galp* segund* empresa* servic* consultor* agenc*",
    "respond*": "avalia* reclam* client* mensag* duvida* critic* pergunta* negativ* coment* comprador* todos quem pedido* contato*",
    "troc* substitu*": "transport* fornecedor* embal* foto* vendedor* produto* item itens modelo* parceir* operador* peca* material caixa* descri*",
    "envi* mand*": "cupo* cupon* mensag* e-mail email desculp* aviso* pesquis* lembret* codig* rastre* pedido* whatsapp sms brinde* carta bilhete "
    "convit* troca* produto* reposi* oferta* confirm* client* notific* link sedex foto* guia* catalog*",
    "oferec*": "descont* cupo* cupon* frete* troca* reembols* brinde* garant* parcel* retirad* kit* combo* cashback vale* credit* entreg* opcao opcoes "
    "programa* prazo* compens* produto* servic* suporte devol* client* atend* montagem instal* beneficio* assinat*",
    "cobr* exig*": "transport* fornecedor* vendedor* multa* prazo* parceir* operador* provas* comprovante* nota* respost* melhor* plano* desempenho qualidade fabric* loja* entreg*",
    "suspend* paus* bloque* descontinu*": "vendedor* anunc* produto* fornecedor* item itens seller* campanh* loja* parceir* modelo* venda* oferta* transport* quem",
    "dar dah": "prioridade* desconto* cupo* cupon* retorno respost* credit* destaque brinde* frete* preferencia bonus prazo* garant* atencao",
}
EMPTY = """sinergi* excelenc* cultur* mindset holist* inovador* disrupt* sustentav* ponta paradigm* alavanc* potencializ* robust* otica
engaj* transform* jornada foco""".split()

GOOD_MEASURES = (
    "nota notas satisfacao faturamento receita venda* pedidos recompra fidelidade pontualidade qualidade".split()
)
BAD_MEASURES = "atraso* reclamac* negativa* insatisf* devoluc* cancelament* custo* frete".split()
LOWERS = "reduz* diminu* baix* cort* derrub* elimin*".split()
RAISES = "aument* elev* ampli* subi* multiplic* dobr*".split()
TARGETS = """meta metas ate para abaixo acima dias dia semana semanas mes meses horas hora trimestre cupom cupons desconto descontos
reduzir chegar prazo objetivo partir minimo maximo top primeiros gratis limite pontos vezes
proximo proximos teste cair subir vale verba orcamento acompanhamento indicador sucesso piloto promessa ganhe leve""".split()

COMMON = """ai alguem algo amor animo aperto atencao bolso bora casa cedo ceu clique cliques coisa coisas consumo conversa coracao cor cores
corpo correria daquele detalhe detalhes dinheiro duvida endereco energia equipamento equipamentos ever expira expiram familia favor
festa forno forma frio gosto hein hoje hora horario ideia inverno jeito lado linda lindo luz mae maes manha mao maos medo meio melhores minuto
minutos momento momentos mundo namorados natal neto noite noticia noticias olho opcao opcoes pai pais parte passo pe pes pedaco
pessoa pessoas piscou portao porta primavera prontinha prontinho pronto pronta puder querido querida rapidinha rapidinho rapido
recado ritmo rotina rua sabado segundos semana serviu sol sorriso sorte sumido susto ta tal tarde tempo tic-tac tique-taque tome trabalho
tranquilo uai usar valor ver verao vergonha vez vida vontade bom otimo novo upgrade sla cx operacao operacoes midia contato
contatos origem etapa etapas coleta separacao volume base taxa media indice hipotese evidencia evidencias serie piloto amostra dados
verba malha fila filas turno turnos triagem milha rastreamento gargalo gargalos processo processos cenario indicador indicadores
dono responsavel responsaveis data datas fonte fontes passos medida medidas prova provas comprador compradores clientela
vizinhas vizinhos cidades recife salvador curitiba manaus belem fortaleza goiania brasilia campinas santos natal""".split()
"""Words that many texts hold and no other list here does."""

# --- push -------------------------------------------------------------------------------------------------------
OCCASIONS = (  # what the brief says -> what a notification about it says: of each group, one of the words
    (
        "carrinho",
        (
            "carrinh* sacola cesta",
            "aqui ficou falta faltou separou escolheu finaliz* conclu* continua* compr* esper* deixou deixar esquec* garant* volt* leve levar",
        ),
    ),
    ("cupom cupons", ("cupo* cupon* codigo",)),
    ("vence*", ("hoje meia-noite amanha",)),
    ("frete*", ("frete* entrega", "gratis zero")),
    ("fim", ("fim domingo sabado fds", "semana domingo sabado fds")),
    (
        "favorit*",
        ("favorit* desej* queria esperava esper* aquele aquela amou", "volt* chegou disponiv* estoque repos*"),
    ),
    ("sem comprar", ("saudad* falta sumi* volt* tempo novidad* visit* reencontr* tanto cade sentimos",)),
    ("saiu", ("pedido compra encomenda pacote", "caminho saiu cheg* rota entreg*")),
    ("atrasad* atraso", ("atras* demor*", "desculp* lament* sentimos pedimos perdao perdoe")),
    ("lancament* lanca*", ("nov* lanc* cheg* estrei*", "colec* linha lancament* novidad* modelo* chegou")),
    ("queda", ("caiu baix* barat* menos queda desconto* off", "desej* lista favorit* queria item prec*")),
    (
        "aniversario",
        ("aniversari* parabens", "parabens feliz presente* celebr* comemor* especi* desej* festa surpresa* mimo"),
    ),
    (
        "avaliar avalie",
        ("avali* opini* achou conte nota estrela* gostou", "compra* pedido* produto* experienc* item voce achou"),
    ),
    ("black", ("black", "desconto* off ate oferta* prec*")),
    ("unidades", ("unidade* ultim* resta* poucas", "estoque resta* ultim* so corr* acab* esgot* garant*")),
    ("parcelamento parcelas", ("parcel* vezes x", "juros")),
    ("retirada", ("pedido compra encomenda pacote", "retir* busc* pronto disponiv* loja")),
    ("cashback", ("cashback", "proxim* compr* volta receb* ganh*")),
)
SERVICE = "saiu atrasad* retirada avaliar avaliacao entrega*".split()
"""Briefs about an order, where the product need not be named."""

OFFERS = {
    "desconto": "desconto* off promoc* liquida* oferta* barat*",
    "frete": "frete",
    "cupom": "cupo* cupon*",
    "gratis": "gratis brinde* presente*",
    "cashback": "cashback",
    "parcela": "parcel* juros",
}
"""What may be promised, and how it is said."""

FOLLOWS = {
    "cupom": {"desconto"},
    "queda": {"desconto"},
    "black": {"desconto"},
    "desconto": {"desconto"},
    "frete": {"frete", "gratis"},
    "cashback": {"cashback", "desconto"},
    "parcelamento": {"parcela"},
    "parcelas": {"parcela"},
    "aniversario": {"gratis"},
    "desejos": {"gratis"},
    "promocao": {"desconto"},
    "oferta": {"desconto"},
    "brinde": {"gratis"},
    "gratis": {"gratis"},
}
"""A word of the brief -> offers that it makes true besides the one of its own name."""

ABOUT_THE_TASK = """push notificacao notificacoes caracteres publico segmento motivo tema ocasiao categoria campanha galera assunto gancho
brief instrucao instrucoes prompt""".split()
INSTRUCTIONS = """push notific* caracter* crie cria criar escrev* preciso faz faca manda mande gere bola quero redija produza prepar*
monte elabor* dispar* solta envie envi* curt* criativ* direto direta tom leve emoji celular app aplicativo client* publico segment*
motivo tema assunto categor* campanh* galera compr* interess* gost* foco regi* linha text* ate maximo bem aviso avis* lembr* urgenc*
recebe quem agora favor vontade clicar animad* simpatic* convidativ* gancho ocasi* estado produto sobre reengaj* mensag* item lista
avisando aqui hora* dia* dias vale""".split()

PRODUCTS = {
    "livro": "livr* leitura* ler leitor* estante autor* romance* pagina* historia*",
    "pet": "pet pets cachorr* gat* racao bichin* patas amigo coleira petisc*",
    "moda": "moda look* roup* vestid* estilo camiseta* bolsa* sandalia* guarda-roupa peca*",
    "fashion": "moda look* roup* vestid* estilo bolsa* calcad*",
    "beleza": "beleza saude maqui* pele perfum* cabelo* cuidado* autocuidado skincare",
    "informatica": "informatica notebook* teclad* mouse monitor* tech computador* setup roteador* pc",
    "eletronicos": "eletronic* tv fone* som tech gadget*",
    "telefonia": "telefon* celular* smartphone* capinha* carregador* fone* aparelho",
    "eletrodomesticos": "eletrodomest* geladeira* cafeteira* liquidificador* fryer fogao aspirador* cozinha",
    "brinquedos": "brinquedo* boneca* brincar brincadeira* crianca* jogo* blocos",
    "esporte": "esport* lazer trein* tenis bola bike bicicleta* corrida academia",
    "cama": "cama mesa banho lencol lencois toalha* edredom travesseiro* quarto",
    "moveis": "move* decor* sofa* estante* luminaria* tapete* casa sala",
    "utilidades": "utilidad* domestic* panela* cozinha casa faqueiro garrafa* varal",
    "relogios": "relogi* presente* pulso",
    "automotivo": "automot* carro* auto pneu*",
    "bebes": "bebe* fralda* enxoval",
    "ferramentas": "ferrament* furadeira* obra jard*",
    "perfumaria": "perfum* fragranc* aroma",
    "papelaria": "papel* cadern* canet*",
    "alimentos": "aliment* comida sabor* lanche",
    "bebidas": "bebid* vinho* cervej*",
    "construcao": "construc* obra reforma",
    "malas": "mala* viagem viaj* bagag* acessori*",
    "musica": "music* instrument* violao",
    "games": "game* jogo* console*",
    "consoles": "console* game* jogo*",
    "instrumentos": "instrument* music* violao",
}
"""A word of a category -> how a notification may speak of it."""
HARMFUL = """senha senhas burro burra idiota idiotas trouxa otario otaria feia feio besta bloquead* golpe agiota roubad* mentira mentiras lixo
morrer morte morra pao-duro preguicoso concorrencia vergonha multa processo prisao""".split()
"""What no shop says to its customers."""
FORMAL = "prezad* atenciosamente cordialmente informamos comunicamos disposicao cordiais".split()
ADDRESS = """voce voces seu sua seus suas gente aproveite compre garanta corra corre use escolha finalize confira conte avalie veja
descubra ganhe resgate economize conheca experimente renove complete clique parcele pague troque acompanhe receba presenteie
retire busque abra vem venha volte peca""".split()
