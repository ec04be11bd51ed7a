"""Writes our networks as other programs lay theirs out: from the table in docs/weights.md, not from the reader."""

import math
from itertools import count

import torch

KERNEL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def _blocks(G):
    """(b, H, our tensors below synthesis.blocks.b)."""
    state = G.state_dict()
    for b in count():
        prefix = f"synthesis.blocks.{b}."
        block = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
        if not block:
            return
        yield b, 4 << b, block


def _kernels(channels):
    return KERNEL.expand(channels, 1, 3, 3).clone()


def genforce(G):
    ours, theirs = G.state_dict(), {"truncation.w_avg": G.w_avg, "synthesis.lod": torch.tensor(float(G.lod))}
    if G.c_dim:
        theirs["mapping.label_weight"] = ours["mapping.embedding"]
    for k in range(G.config.mapping_layers):
        theirs[f"mapping.dense{k}.weight"] = ours[f"mapping.layers.{k}.weight"]
        theirs[f"mapping.dense{k}.bias"] = ours[f"mapping.layers.{k}.bias"]
    for b, H, block in _blocks(G):
        for j in (0, 1):
            layer, i = f"layers.{j}", 2 * b + j
            if i == 0 and G.config.const_input:
                theirs["synthesis.layer0.const"] = block["layers.0.op.const"]
            elif i == 0:
                dense = block["layers.0.op.weight"]  # (C * 16, w)
                theirs["synthesis.layer0.weight"] = (
                    dense.reshape(-1, 4, 4, dense.shape[1]).permute(0, 3, 1, 2).flip(2, 3)
                )
            elif j == 0:
                up = block["layers.0.op.0.weight"]
                theirs[f"synthesis.layer{i}.weight"] = up.rot90(2, (2, 3)) if H >= 128 else up
                theirs[f"synthesis.layer{i}.blur.kernel"] = _kernels(len(up))
            else:
                theirs[f"synthesis.layer{i}.weight"] = block["layers.1.op.weight"]
            theirs[f"synthesis.layer{i}.bias"] = block[f"{layer}.bias"]
            theirs[f"synthesis.layer{i}.apply_noise.weight"] = block[f"{layer}.noise_strength"]
            theirs[f"synthesis.layer{i}.apply_noise.noise"] = block[f"{layer}.noise_const"]
            theirs[f"synthesis.layer{i}.style.weight"] = block[f"{layer}.norm.affine.weight"]
            theirs[f"synthesis.layer{i}.style.bias"] = block[f"{layer}.norm.affine.bias"]
        theirs[f"synthesis.output{b}.weight"] = block["torgb.conv.weight"]
        theirs[f"synthesis.output{b}.bias"] = block["torgb.bias"]
    return theirs


def genforce_discriminator(D):
    ours, theirs, last = D.state_dict(), {"lod": torch.tensor(float(D.lod))}, len(D.blocks)
    for b in range(last + 1):
        r = last - b
        theirs[f"input{r}.weight"] = ours[f"fromrgb.{b}.conv.weight"]
        theirs[f"input{r}.bias"] = ours[f"fromrgb.{b}.bias"]
        if b:
            theirs[f"layer{2 * r}.weight"] = ours[f"blocks.{b - 1}.conv0.weight"]
            theirs[f"layer{2 * r}.bias"] = ours[f"blocks.{b - 1}.bias0"]
            theirs[f"layer{2 * r + 1}.weight"] = ours[f"blocks.{b - 1}.conv1.weight"]
            theirs[f"layer{2 * r + 1}.bias"] = ours[f"blocks.{b - 1}.bias1"]
            theirs[f"layer{2 * r + 1}.blur.kernel"] = _kernels(len(ours[f"blocks.{b - 1}.bias0"]))
    theirs[f"layer{2 * last}.weight"], theirs[f"layer{2 * last}.bias"] = ours["head.conv.weight"], ours["head.bias"]
    for i in (0, 1):
        for part in ("weight", "bias"):
            theirs[f"layer{2 * last + 1 + i}.{part}"] = ours[f"head.dense{i}.{part}"]
    return theirs


def old_genforce(G):
    ours, theirs = G.state_dict(), {"truncation.w_avg": G.w_avg, "synthesis.lod": torch.tensor(float(G.lod))}
    for k in range(G.config.mapping_layers):
        theirs[f"mapping.dense{k}.linear.weight"] = ours[f"mapping.layers.{k}.weight"]
        theirs[f"mapping.dense{k}.wscale.bias"] = ours[f"mapping.layers.{k}.bias"]
    for b, H, block in _blocks(G):
        for j in (0, 1):
            layer, name = f"layers.{j}", f"synthesis.layer{2 * b + j}"
            if b == j == 0:
                theirs[f"{name}.first_layer"] = block["layers.0.op.const"]
            elif j == 0:
                up = block["layers.0.op.0.weight"]
                fused = up.flip(2, 3).permute(2, 3, 1, 0)  # (3, 3, in, out)
                theirs |= {f"{name}.weight": fused} if H >= 128 else {f"{name}.conv.weight": up}
                theirs[f"{name}.blur.kernel"] = _kernels(len(up))
            else:
                theirs[f"{name}.conv.weight"] = block["layers.1.op.weight"]
            theirs[f"{name}.epilogue.bias"] = block[f"{layer}.bias"]
            theirs[f"{name}.epilogue.apply_noise.weight"] = block[f"{layer}.noise_strength"]
            theirs[f"{name}.epilogue.apply_noise.noise"] = block[f"{layer}.noise_const"]
            theirs[f"{name}.epilogue.style_mod.dense.linear.weight"] = block[f"{layer}.norm.affine.weight"]
            theirs[f"{name}.epilogue.style_mod.dense.wscale.bias"] = block[f"{layer}.norm.affine.bias"]
        theirs[f"synthesis.output{b}.conv.weight"] = block["torgb.conv.weight"]
        theirs[f"synthesis.output{b}.bias"] = block["torgb.bias"]
    return theirs


def _epilogues(block, name):
    found = {}
    for j in (0, 1):
        found[f"{name}.epi{j + 1}.top_epi.noise.weight"] = block[f"layers.{j}.noise_strength"]
        found[f"{name}.epi{j + 1}.style_mod.lin.weight"] = block[f"layers.{j}.norm.affine.weight"]
        found[f"{name}.epi{j + 1}.style_mod.lin.bias"] = block[f"layers.{j}.norm.affine.bias"]
    return found


def _convolutions(block, H, name):
    """The layers of huangzh13's and lernapparat's blocks, 4x4 or larger."""
    if H == 4:
        return {
            f"{name}.const": block["layers.0.op.const"],
            f"{name}.bias": block["layers.0.bias"],
            f"{name}.conv.weight": block["layers.1.op.weight"],
            f"{name}.conv.bias": block["layers.1.bias"],
        }
    up = block["layers.0.op.0.weight"]
    return {
        f"{name}.conv0_up.weight": up.rot90(2, (2, 3)) if H >= 128 else up,
        f"{name}.conv0_up.bias": block["layers.0.bias"],
        f"{name}.conv0_up.intermediate.kernel": KERNEL[None, None].clone(),
        f"{name}.conv1.weight": block["layers.1.op.weight"],
        f"{name}.conv1.bias": block["layers.1.bias"],
    }


def huangzh13(G):
    ours, theirs = G.state_dict(), {"truncation.avg_latent": torch.full_like(G.w_avg, 7.0)}  # not to be trusted
    if G.c_dim:
        theirs["class_embedding.weight"] = ours["mapping.embedding"]
    for k in range(G.config.mapping_layers):
        theirs[f"g_mapping.map.dense{k}.weight"] = ours[f"mapping.layers.{k}.weight"]
        theirs[f"g_mapping.map.dense{k}.bias"] = ours[f"mapping.layers.{k}.bias"]
    for b, H, block in _blocks(G):
        name = f"g_synthesis.blocks.{b - 1}" if b else "g_synthesis.init_block"
        theirs |= _convolutions(block, H, name) | _epilogues(block, name)
        theirs[f"g_synthesis.to_rgb.{b}.weight"] = block["torgb.conv.weight"]
        theirs[f"g_synthesis.to_rgb.{b}.bias"] = block["torgb.bias"]
    return theirs


def lernapparat(G):
    ours, theirs = G.state_dict(), {}
    for k in range(G.config.mapping_layers):
        theirs[f"g_mapping.dense{k}.weight"] = ours[f"mapping.layers.{k}.weight"]
        theirs[f"g_mapping.dense{k}.bias"] = ours[f"mapping.layers.{k}.bias"]
    for _, H, block in _blocks(G):
        name = f"g_synthesis.blocks.{H}x{H}"
        theirs |= _convolutions(block, H, name) | _epilogues(block, name)
        theirs["g_synthesis.torgb.weight"] = block["torgb.conv.weight"]  # at last that of full size
        theirs["g_synthesis.torgb.bias"] = block["torgb.bias"]
    return theirs


def rosinality(G):
    """Of all sizes that G has; where the layer before the blur has no bias of its own (the 4x4), ours must be 0."""
    ours, theirs = G.state_dict(), {}
    for k in range(G.config.mapping_layers):
        theirs[f"style.{2 * k + 1}.linear.weight_orig"] = ours[f"mapping.layers.{k}.weight"] * 0.01
        theirs[f"style.{2 * k + 1}.linear.bias"] = ours[f"mapping.layers.{k}.bias"] * 0.01
    for b, H, block in _blocks(G):
        name = f"generator.progression.{b}"
        if b == 0:
            theirs[f"{name}.conv1.input"] = block["layers.0.op.const"]
        else:
            up, bias = block["layers.0.op.0.weight"], block["layers.0.op.1.bias"]
            if H >= 128:
                theirs[f"{name}.conv1.0.weight"] = 4 * up.transpose(0, 1).flip(2, 3)
                theirs[f"{name}.conv1.0.bias"], blur = bias, "conv1.1"
            else:
                theirs[f"{name}.conv1.1.conv.weight_orig"] = up
                theirs[f"{name}.conv1.1.conv.bias"], blur = bias, "conv1.2"
            theirs[f"{name}.{blur}.weight"] = theirs[f"{name}.{blur}.weight_flip"] = _kernels(len(up))
        theirs[f"{name}.conv2.conv.weight_orig"] = block["layers.1.op.weight"]
        theirs[f"{name}.conv2.conv.bias"] = block["layers.1.bias"]
        for j in (0, 1):
            strength, style = block[f"layers.{j}.noise_strength"], block[f"layers.{j}.norm.affine.bias"]
            C = len(strength)
            theirs[f"{name}.noise{j + 1}.weight_orig"] = strength.reshape(1, C, 1, 1) / math.sqrt(2 / C)
            affine = f"{name}.adain{j + 1}.style.linear"
            theirs[f"{affine}.weight_orig"] = block[f"layers.{j}.norm.affine.weight"] / math.sqrt(2)
            theirs[f"{affine}.bias"] = torch.cat([style[:C] + 1, style[C:]])
        theirs[f"generator.to_rgb.{b}.conv.weight_orig"] = block["torgb.conv.weight"] / math.sqrt(2)
        theirs[f"generator.to_rgb.{b}.conv.bias"] = block["torgb.bias"]
    return theirs


def rosinality_discriminator(D, sizes=9):
    """Of a D whose blocks have one width, in a module of `sizes` blocks, of which the larger were never trained."""
    ours, theirs, C = D.state_dict(), {}, D.config.channels(4)
    for b in range(sizes):
        r = sizes - 1 - b
        trained = b <= len(D.blocks)
        rgb = ours[f"fromrgb.{b}.conv.weight"] if trained else torch.zeros(C, 3, 1, 1)
        theirs[f"from_rgb.{r}.0.conv.weight_orig"] = rgb
        theirs[f"from_rgb.{r}.0.conv.bias"] = ours[f"fromrgb.{b}.bias"] if trained else torch.zeros(C)
        name, fused = f"progression.{r}", 4 << b >= 128
        second = f"{name}.conv2.0.conv" if b == 0 else f"{name}.conv2.1" if fused else f"{name}.conv2.1.conv"
        weight = f"{second}.weight" if fused else f"{second}.weight_orig"
        if b == 0:
            conv0, conv1 = ours["head.conv.weight"], ours["head.dense0.weight"].reshape(-1, C, 4, 4)
            biases = ours["head.bias"], ours["head.dense0.bias"]
        elif trained:
            conv0, conv1 = (ours[f"blocks.{b - 1}.conv{j}.weight"] for j in (0, 1))
            biases = tuple(ours[f"blocks.{b - 1}.bias{j}"] for j in (0, 1))
        else:
            conv0, conv1, biases = torch.zeros(C, C, 3, 3), torch.zeros(C, C, 3, 3), (torch.zeros(C),) * 2
        theirs |= {f"{name}.conv1.0.conv.weight_orig": conv0, weight: conv1}
        theirs |= {f"{name}.conv1.0.conv.bias": biases[0], f"{second}.bias": biases[1]}
        if b:
            theirs[f"{name}.conv2.0.weight"] = theirs[f"{name}.conv2.0.weight_flip"] = _kernels(C)
    theirs["linear.linear.weight_orig"] = ours["head.dense1.weight"] / math.sqrt(2)
    theirs["linear.linear.bias"] = ours["head.dense1.bias"]
    return theirs
