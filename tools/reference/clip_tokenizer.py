"""Writes the zoo's fashion-sd/tokenizer: CLIP's vocabulary as transformers' CLIPTokenizer reads it.

    pip download --no-deps open_clip_torch==3.3.0
    python clip_tokenizer.py open_clip_torch-3.3.0-py3-none-any.whl OUT

The wheel holds CLIP's list of merges (MIT licence), longer than the vocabulary of 49,408 tokens: 256 bytes, the same at
the end of a word, merges, and two special tokens.
"""
import gzip, json, os, sys, zipfile

wheel, out = sys.argv[1:]
lines = gzip.decompress(zipfile.ZipFile(wheel).read('open_clip/bpe_simple_vocab_16e6.txt.gz')).decode('utf8').split('\n')
merges = lines[1:1 + 49_408 - 2 * 256 - 2]

# Bytes that print stand for themselves; the others for the characters from 256 on.
printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
others = [byte for byte in range(256) if byte not in printing]
characters = [chr(byte) for byte in printing] + [chr(256 + i) for i in range(len(others))]
special = ['<|startoftext|>', '<|endoftext|>']
vocabulary = [*characters, *(c + '</w>' for c in characters), *(merge.replace(' ', '') for merge in merges), *special]
assert len(vocabulary) == 49_408


def token(content):
    return {'content': content, 'lstrip': False, 'normalized': True, 'rstrip': False, 'single_word': False}


start, end = map(token, special)
os.makedirs(out, exist_ok=True)


def write(name, value, **options):
    with open(os.path.join(out, name), 'w', encoding='utf8') as file:
        json.dump(value, file, ensure_ascii=False, **options)


write('vocab.json', {text: i for i, text in enumerate(vocabulary)}, separators=(',', ':'))
with open(os.path.join(out, 'merges.txt'), 'w', encoding='utf8') as file:
    file.write('#version: 0.2\n' + '\n'.join(merges) + '\n')
write('tokenizer_config.json', {
    'add_prefix_space': False, 'bos_token': start, 'do_lower_case': True, 'eos_token': end, 'errors': 'replace',
    'model_max_length': 77, 'pad_token': special[1], 'tokenizer_class': 'CLIPTokenizer', 'unk_token': end}, indent=2)
write('special_tokens_map.json', {'bos_token': start, 'eos_token': end, 'pad_token': special[1], 'unk_token': end}, indent=2)
