import json


def hello_world(request):
    name = request.args.get('name', 'World')
    return json.dumps({'message': f'Hello, {name}!'})
