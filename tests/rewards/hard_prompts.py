"""Prompts that are hard to classify, as Brazilians write them: slang, missing accents, mixed requests. 40 a task."""

EXTRACTION = """
Extraia os dados dessa avaliação em JSON: "Chegou tudo certo, amei!"
extrai pra mim as infos desse review aqui: produto veio quebrado, nota 1
Analise a avaliação abaixo e preencha os campos sentiment, churn_risk e delivery_issue
transforma esse comentario em json pfv: 'demorou 20 dias mas o produto e bom'
Classifique o sentimento da seguinte avaliação: "não gostei, veio na cor errada"
Nota: 2/5 Avaliação: entrega atrasou e ninguém respondeu
Leia a avaliação e devolva os 10 campos: "vendedor grosso, nunca mais compro"
me devolve um JSON com sentimento e categoria da reclamação desse texto: 'frete caro demais'
Qual o sentimento desta avaliação? "mais ou menos, esperava mais"
identifica se o cliente tem risco de churn nesse comentário: "última vez que compro aqui"
Preencha o formulário de 10 campos a partir desta resenha: "Excelente, recomendo a todos"
Review: 'n recomendo, propaganda enganosa'. Quero sentiment_score, complaint_category e os outros campos
Extraia do depoimento abaixo os problemas de entrega, produto e vendedor.
Converta o feedback em dados estruturados: "o push do app me convenceu, mas o produto é ruim"
Analisa esse review e diz se o cliente compraria de novo (json): "gostei mas achei caro"
Recebemos esta avaliação: "comprei por causa da notificação e me arrependi". Extraia os campos.
Nota 5 estrelas: "perfeito". Extraia sentiment, sentiment_score e would_recommend.
json por favor: avaliação = "a consulta de rastreio não funciona e o pedido sumiu"
Retorne apenas o objeto JSON com os campos pedidos. Avaliação: "Tudo ótimo"
processa essa avaliacao e me da o json: 'quantos dias mais vou esperar??? pessimo'
Avaliação do cliente (nota 3): "ok, nada demais". Extraia.
Extrair informações: "produto bom, entrega ruim, vendedor péssimo"
Identifique a categoria da reclamação deste comentário: "chegou amassado"
Estruture a opinião abaixo em JSON válido: "Loja nota mil, voltarei"
Detecte se há problema de entrega na avaliação: "demorooou mas chegou"
Olha essa avaliação e extrai os campos do esquema: "comprei 3 e só veio 2"
Faça a extração dos campos do texto: 'quero meu dinheiro de volta já'
Analise este comentário e retorne sentimento, churn e recomendação: "meia boca"
Marque os campos booleanos conforme a avaliação: "entregaram na casa do vizinho"
Preciso do JSON dessa resenha aqui ó: "to mto satisfeita, chegou antes do prazo"
Com base na nota 1/5 e no texto "horrível", preencha o JSON.
Extraia: sentimento, nota, problema principal. Texto: "a melhor compra do ano"
Transforme a opinião do cliente em JSON: "Plano de fidelidade confuso e produto caro"
Analise o comentário "por que vocês atrasam tanto?" e preencha os dez campos
Devolva main_complaint e complaint_category para: "veio faltando a tampa"
Classifica essa avaliação aí em positivo, negativo ou neutro, formato json
Dada a avaliação "Recomendo o vendedor, responde rápido", extraia os campos do esquema.
Leia o comentário e identifique o sentimento do cliente: "hmm, sei lá, serve"
extraia o json da reclamacao: "ja pedi cancelamento 3 vezes e nada"
Avaliação: "Ótimo custo-benefício" Nota: 4/5
"""

SQL_QA = """
Quantos pedidos atrasaram em São Paulo no mês passado?
qual o ticket medio por categoria?
Escreva uma query que liste os 10 produtos mais vendidos
me diz ai qual estado vendeu mais em 2018
Monte um SQL pra ver a média de frete por região
Qual foi o faturamento total de dezembro?
quantas avaliações negativas a gente teve no rio?
Liste os 5 vendedores com mais reclamações
top 3 categorias em receita, por favor
Qual é o prazo médio de entrega no Nordeste?
Preciso saber o número de clientes que compraram mais de uma vez
Calcule o percentual de pedidos cancelados por mês
faz uma consulta que traga os pedidos com atraso maior q 10 dias
Me mostra o ranking de estados por faturamento
Qual a taxa de devolução da categoria moda?
Quantos clientes novos entraram em março e qual o ticket deles?
SELECT ... preciso completar isso pra pegar as vendas por dia
na tabela orders_enriched, como pego só os pedidos de SP?
Qual categoria teve a pior nota média?
Traga os 10 clientes que mais gastaram
Quanto a loja faturou com frete em 2017?
quantos pedidos foram pagos no pix?
Qual vendedor tem maior atraso médio?
Conte os pedidos entregues antes do prazo por estado
Qual o valor médio das parcelas no cartão?
Compare o faturamento de janeiro e fevereiro
Some o valor dos pedidos cancelados
Quais são os produtos com mais avaliações nota 1?
banco de dados: como eu busco os pedidos sem avaliação?
me da os 5 estados q mais reclamam
Qual foi o mês com maior número de vendas?
Quantos pushes foram abertos na última campanha?
qual a receita por forma de pagamento?
Me retorne a quantidade de pedidos por status
Quais categorias venderam menos que a média?
Qual é a mediana do prazo de entrega em dias?
Total de vendas por mês em 2018
Levanta pra mim o número de sellers ativos
Quais estados tiveram mais de 100 pedidos atrasados?
Gere a consulta SQL do faturamento acumulado
"""

INSIGHTS = """
Analise os dados de vendas e monte um plano de reengajamento para os clientes inativos
O que esses números dizem e o que devemos fazer?
Quais estratégias você recomenda para reduzir o churn?
Faça um diagnóstico da queda nas vendas do trimestre
Sugira ações pra melhorar a nota da categoria moda
me dá uns insights sobre as reclamações de entrega
Como podemos aumentar a recompra dos clientes do Nordeste?
Por que as vendas caíram em março? Explique e recomende ações.
Escreva um relatório executivo com os principais pontos de melhoria
Avalie o desempenho da loja e indique prioridades
quais oportunidades vc ve nesses dados?
Elabore um plano de ação para diminuir os atrasos
Analise: 30% de atraso, nota 3,2, 40% de reclamações. O que fazer?
Preciso de uma análise estratégica do nosso frete
Interprete os resultados da campanha de push e proponha melhorias
Explique as causas das devoluções e como evitá-las
Como melhorar a comunicação com clientes que abandonam o carrinho?
Que tendências aparecem nas avaliações negativas?
Monta uma proposta de reengajamento baseada nesses dados
análise swot da operação de entregas
Resuma os gargalos da logística e dê recomendações
Estamos perdendo clientes no Sul, o que vc sugere que a gente faça?
Identifique pontos fortes e fracos do atendimento e proponha um plano
Como reduzir as reclamações sobre o vendedor X?
Discuta o impacto do frete grátis na margem
Qual estratégia seguir com base nesses indicadores: nota 4,1, atraso 12%?
Faz uma leitura dos números e aponta os riscos
Recomende iniciativas para fidelizar quem comprou uma vez só
Quero entender por que os clientes reclamam tanto do prazo
Comente os dados abaixo e sugira próximos passos
me explica pq o nordeste cancela mais e o que fazer
Crie um plano de melhoria para a experiência de compra
Analise o funil e diga onde investir
Dê sua visão estratégica: vale a pena expandir para o Norte?
Quais medidas práticas podem reverter a queda da nota média?
Analisa aí a operação e me fala o que tá pegando
Proponha uma estratégia de notificações e reengajamento para o semestre, com justificativa nos dados
O que explica o aumento de devoluções em brinquedos? Sugira soluções
Relatório: clientes inativos há 90 dias subiram 15%. Como reengajar?
Com base nos dados, que decisões a diretoria deveria tomar?
"""

PUSH = """
Crie uma notificação push para clientes com carrinho abandonado
escreve um push curtinho avisando do cupom de 10%
Manda uma msg pro app dos clientes sumidos
Faça uma notificação de até 120 caracteres sobre frete grátis
bola um push divertido pra black friday
Preciso de um texto de push para reengajar quem não compra há 30 dias
Gera uma notificação avisando que o pedido saiu pra entrega
Notificação para o celular: produto voltou ao estoque
Escreva uma mensagem curta para o aplicativo sobre a liquidação
cria um push pro dia das mães
Quero um push pedindo avaliação da última compra
Mensagem push de aniversário com desconto
Redija um alerta curto no app: queda de preço na lista de desejos
push notification pra galera de moda, bem jovem
Manda aí uma notif de cupom vencendo hoje
Crie um lembrete de carrinho abandonado com no máximo 100 caracteres
faz um textinho de push com emoji pra promoção de livros
Notifique os clientes inativos com uma frase curta e um cupom
Escreva o push da campanha de natal
Preciso de uma chamada rápida pro app sobre cashback
Gere 1 push de até 120 caracteres para clientes de SP que compram pet shop
Crie uma notificação que aumente a taxa de abertura, tema: frete grátis
Monte um push de reativação para clientes inativos
Bora de push: oferta relâmpago de telefonia, 120 caracteres
Escreva uma notificação push convidando para avaliar o vendedor
um push bem direto, tema volta às aulas
Texto para notificação: seu pedido atrasou, pedimos desculpas
quero uma mensagem de push q não pareça spam, sobre desconto em eletro
Crie uma frase de no máximo 120 caracteres para avisar da promoção no app
solta um push de bom dia com oferta
Elabore uma notificação curta sobre novos produtos de beleza
Faz uma notificação pro cliente que deixou nota 1 pedindo desculpas
Crie um push com base nisso: vendas de brinquedos caíram, precisamos de gente no app
notificação: últimas unidades do tênis
Escreva uma mensagem para celular lembrando do boleto que vence amanhã
Prepare um push para quem favoritou um item
Cria uma notificação sobre o programa de fidelidade
Um alerta curtinho pro app: entrega chega hoje
Mensagem de reengajamento, 120 caracteres, clientes de Recife
Dispare um push avisando que o cupom expira à meia-noite
"""

HARD_PROMPTS = [
    (task, line)
    for task, block in (("extraction", EXTRACTION), ("sql_qa", SQL_QA), ("insights", INSIGHTS), ("push", PUSH))
    for line in block.strip().splitlines()
]
